package plugins

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// awaitChange waits until the listener reports the plugin with exactly this version.
func awaitChange(t *testing.T, c *Changes, name, version string) {
	t.Helper()
	var all []PluginRef
	for end := time.After(20 * time.Second); ; {
		select {
		case <-c.C:
			got := c.Take()
			for _, r := range got {
				if r.Kind == "llm" && r.Name == name && r.Version == version {
					return
				}
			}
			all = append(all, got...)
		case <-end:
			t.Fatalf("no change of %s %q was reported, only %v", name, version, all)
		}
	}
}

func TestChanges(t *testing.T) {
	h := newHost(t, hostOptions{})
	c, slow := h.Changes(), h.Changes()
	defer c.Close()
	defer slow.Close()
	path := filepath.Join(h.dir, "botyard-llm-test")

	putPlugin(t, h.dir, "test", "one")
	awaitChange(t, c, "test", "") // the file appeared, and no process was started yet
	i := h.open(Spec{Name: "test"})
	awaitChange(t, c, "test", "0-one") // the process became ready
	kill(t, h.pid(i))
	awaitChange(t, c, "test", "0-one") // the process is ready again after a crash
	putPlugin(t, h.dir, "test", "two")
	awaitChange(t, c, "test", "0-two") // the new version became ready
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, c, "test", "") // the file is refused
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, c, "test", "") // the file is no longer refused
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, c, "test", "") // the file disappeared

	if got := slow.Take(); len(got) != 1 || got[0] != (PluginRef{"llm", "test", "0-two"}) {
		t.Errorf("a slow listener gets %v", got)
	}
	if got := slow.Take(); got != nil {
		t.Errorf("the changes are reported twice: %v", got)
	}
}

func TestChanges_closed(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	c := h.Changes()
	c.Close()
	c.Close()
	if _, err := h.Schema(context.Background(), "llm", "test"); err != nil {
		t.Fatal(err)
	}
	if got := c.Take(); got != nil || len(c.C) != 0 {
		t.Errorf("a closed listener gets %v", got)
	}
}

package plugins

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

func (h *host) schemaError(name string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := h.Schema(ctx, "llm", name)
	if err == nil {
		h.t.Fatalf("%s gave a schema", name)
	}
	return err.Error()
}

func TestManager_Schema_pluginsThatDoNotStart(t *testing.T) {
	for _, c := range []struct {
		mark  string
		state State
		want  []string
	}{
		{"exit", Quarantined, []string{"exit status 3", "the licence ran out"}},
		{"mute", Quarantined, []string{"not ready within 300ms"}},
		{"babble", Quarantined, []string{"Hello! This is no handshake."}},
		{"elsewhere", Quarantined, []string{"somebody-elses.sock", "not in the folder"}},
		{"wrongkind", Failed, []string{`says that it is the memory plugin "bad"`, "botyard-memory-bad"}},
		{"future", Failed, []string{"botyard.llm.v9.LLMService", "botyard.llm.v1.LLMService"}},
		// beyond: a plugin's services and features
		{"manyfeatures", Failed, []string{"lists 129 features, and at most 128 are read"}},
		{"longfeature", Failed, []string{"lists features with names of more than 256 bytes"}},
		{"badschema", Failed, []string{"configuration schema"}},
	} {
		t.Run(c.mark, func(t *testing.T) {
			o := hostOptions{settings: config.PluginSettings{StartTimeout: time.Minute}}
			if c.mark == "mute" {
				o.settings.StartTimeout = 300 * time.Millisecond
			}
			h := newHost(t, o, "bad="+c.mark, "good")
			// Each request for the schema waits for one start at most. Several failed
			// starts lead to quarantine.
			eventually(t, 2*time.Minute, "it is given up", func() bool {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				_, _ = h.Schema(ctx, "llm", "bad")
				return h.row("bad").State == c.state
			})
			begun := time.Now()
			got := h.schemaError("bad")
			if took := time.Since(begun); took > 30*time.Second { // the request must fail without waiting for a start
				t.Errorf("the answer took %s", took)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("error = %q, want %q in it", got, want)
				}
			}
			_, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "bad"})
			f := fault.Of(err)
			if f.Class != fault.PluginUnavailable || f.RetryAfter == 0 || strings.Contains(f.Message, c.want[0]) {
				t.Errorf("what callers see: %v, retry after %s", f, f.RetryAfter)
			}
			if n := h.launcher.Launches(); c.state == Failed && n != 1 || c.state == Quarantined && n != 6 {
				t.Errorf("it was started %d times", n)
			}
			if entries, _ := os.ReadDir(h.runtime.Path()); len(entries) != 1 { // only the lock file may remain
				t.Errorf("left in the runtime folder: %v", entries)
			}
			h.ask(h.open(Spec{Name: "good"}), "hello")
		})
	}
}

func TestQuarantine_endsWithANewBinary(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=exit")
	h.schemaError("test")
	putPlugin(t, h.dir, "test", "")
	if err := h.Rescan(); err != nil {
		t.Fatal(err)
	}
	h.ask(h.open(Spec{Name: "test"}), "hello")
}

func TestQuarantine_isRetried(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.quarantineRetry = 300 * time.Millisecond }}, "test=exit")
	h.schemaError("test")
	n := h.launcher.Launches()
	h.schemaError("test")
	if h.launcher.Launches() != n {
		t.Error("a call started a plugin in quarantine")
	}
	time.Sleep(400 * time.Millisecond)
	h.schemaError("test")
	if got := h.launcher.Launches(); got != n+1 {
		t.Errorf("%d starts after the pause, want 1", got-n)
	}
}

func TestManager_Schema_unknownPlugin(t *testing.T) {
	h := newHost(t, hostOptions{}, "one", "two")
	_, err := h.Schema(context.Background(), "llm", "three")
	var unknown *config.UnknownPluginError
	if !errors.As(err, &unknown) || strings.Join(unknown.Known, " ") != "one two" {
		t.Errorf("err = %v", err)
	}
	if _, err := h.Open(context.Background(), Spec{Kind: "memory", Name: "one"}); !errors.Is(err, config.ErrUnknownPlugin) {
		t.Errorf("err = %v", err)
	}
	if h.launcher.Launches() != 0 {
		t.Error("something was started")
	}
}

func TestManager_Schema_isAskedOnce(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	a, err := h.Schema(context.Background(), "llm", "test")
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Schema(context.Background(), "llm", "test")
	if err != nil || a != b {
		t.Errorf("schemas %p and %p, %v", a, b, err)
	}
	putPlugin(t, h.dir, "test", "other")
	if err := h.Rescan(); err != nil {
		t.Fatal(err)
	}
	if c, err := h.Schema(context.Background(), "llm", "test"); err != nil || c != a {
		t.Errorf("the same schema of another binary: %p and %p, %v", a, c, err)
	}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func TestScanner_pinnedChecksum(t *testing.T) {
	dir := t.TempDir()
	putPlugin(t, dir, "test", "")
	right := sumOf(t, filepath.Join(dir, "botyard-llm-test"))
	wrong := strings.Repeat("0", 64)
	for _, c := range []struct{ pinned, want string }{
		{strings.ToUpper(right), ""},
		{wrong, "its SHA-256 is " + right + ", and the host's configuration says " + wrong},
	} {
		t.Run(c.pinned[:8], func(t *testing.T) {
			h := newHost(t, hostOptions{settings: config.PluginSettings{SHA256: c.pinned}, options: func(o *Options) { o.Dirs = []string{dir} }})
			if c.want == "" {
				h.ask(h.open(Spec{Name: "test"}), "hello")
				return
			}
			if got := h.schemaError("test"); !strings.Contains(got, c.want) {
				t.Errorf("error = %q", got)
			}
			if st := h.row("test"); st.State != Failed || !strings.Contains(st.LastError, c.want) {
				t.Errorf("status = %+v", st)
			}
			if h.launcher.Launches() != 0 {
				t.Error("it was started")
			}
		})
	}
}

func TestScanner_refusedFiles(t *testing.T) {
	h := newHost(t, hostOptions{}, "listed", "unlisted", "changed", "open", "plain", "Upper", "with.dot")
	for name, mode := range map[string]os.FileMode{"open": 0o757, "plain": 0o644} {
		if err := os.Chmod(filepath.Join(h.dir, "botyard-llm-"+name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(h.dir, "botyard-llm-folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	var lock strings.Builder
	for _, name := range []string{"listed", "open", "plain"} {
		file := "botyard-llm-" + name
		lock.WriteString(sumOf(t, filepath.Join(h.dir, file)) + "  " + file + "\n")
	}
	lock.WriteString(strings.Repeat("a", 64) + " *botyard-llm-changed\n\n# a comment\n")
	put(t, filepath.Join(h.dir, discovery.LockFileName), []byte(lock.String()))
	err := h.Rescan()
	if err == nil {
		t.Fatal("nothing is refused")
	}
	for name, want := range map[string]string{
		"unlisted": "is not listed in " + filepath.Join(h.dir, discovery.LockFileName),
		"changed":  discovery.LockFileName + " says " + strings.Repeat("a", 64),
		"open":     "is writable by everyone",
		"plain":    "it is not executable",
		"folder":   "it is not a regular file",
	} {
		if got := h.schemaError(name); !strings.Contains(got, want) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %q, want %q in it", name, got, want)
		}
	}
	if got := strings.Join(h.Known("llm"), " "); got != "changed folder listed open plain unlisted" {
		t.Errorf("known: %s", got)
	}
	h.ask(h.open(Spec{Name: "listed"}), "hello")

	put(t, filepath.Join(h.dir, discovery.LockFileName), []byte("nonsense\n"))
	if err := h.Rescan(); err == nil || !strings.Contains(err.Error(), discovery.LockFileName+":1: is not a line of sha256sum") {
		t.Errorf("a broken lock file: %v", err)
	}
}

// TestScanner_lockFilesThatCannotBeRead checks that a lock file that is a FIFO or too large
// is refused, and that no plugin of its folder is run.
func TestScanner_lockFilesThatCannotBeRead(t *testing.T) {
	for want, make := range map[string]func(path string) error{
		"not a regular file": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"has 1073741824 bytes; expected at most 1048576": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<30))
		},
	} {
		t.Run(want, func(t *testing.T) {
			dir := t.TempDir()
			putPlugin(t, dir, "test", "")
			must(t, make(filepath.Join(dir, discovery.LockFileName)))
			h := newHost(t, hostOptions{options: func(o *Options) { o.Dirs = []string{dir} }})
			if got := h.schemaError("test"); !strings.Contains(got, want) || !strings.Contains(got, discovery.LockFileName) || h.launcher.Launches() != 0 {
				t.Errorf("error = %q, want %q", got, want)
			}
		})
	}
}

func TestScanner_folderOpenToAll(t *testing.T) {
	dir := t.TempDir()
	putPlugin(t, dir, "test", "")
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, hostOptions{options: func(o *Options) { o.Dirs = []string{dir} }})
	if got := h.schemaError("test"); !strings.Contains(got, dir+" is writable by everyone") {
		t.Errorf("error = %q", got)
	}
}

func TestScanner_firstFolderWins(t *testing.T) {
	second := t.TempDir()
	putPlugin(t, second, "test", "second")
	h := newHost(t, hostOptions{options: func(o *Options) {
		o.Dirs = append(o.Dirs, second, filepath.Join(second, "missing"))
	}}, "test=first")
	i := h.open(Spec{Name: "test"})
	if v := i.Plugin(); v != (PluginRef{"llm", "test", "0-first"}) {
		t.Errorf("plugin = %+v", v)
	}
	if !strings.Contains(h.log.String(), "plugin is in two folders") {
		t.Error("it is not logged")
	}
}

// TestManager_HasFeature checks that HasFeature and HasService describe a plugin that has no
// instance yet.
func TestManager_HasFeature(t *testing.T) {
	m := realHost(t, "botyard-storage-memory")
	for name, want := range map[string]bool{feature.Owners: true, "nonsense": false} {
		t.Run(name, func(t *testing.T) {
			got, err := m.HasFeature(t.Context(), storage.Kind, "memory", name)
			if err != nil || got != want {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	for name, want := range map[string]bool{TenantStoreService: true, "botyard.storage.v9.StorageService": false} {
		t.Run(name, func(t *testing.T) {
			got, err := m.HasService(t.Context(), storage.Kind, "memory", name)
			if err != nil || got != want {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	if _, err := m.HasFeature(t.Context(), storage.Kind, "none", feature.Owners); !errors.As(err, new(*config.UnknownPluginError)) {
		t.Errorf("a plugin that there is not: %v", err)
	}
}

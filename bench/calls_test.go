package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBench_plugin runs the part plugin with --quick. It checks that the part works, and no figure.
func TestBench_plugin(t *testing.T) {
	bin := t.TempDir()
	for out, folder := range map[string]string{
		filepath.Join(bin, "bench"): ".", filepath.Join(bin, "plugins", "botyard-llm-echo"): "../plugins/llm-echo/cmd/botyard-llm-echo",
	} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", out, ".")
		build.Dir = folder
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "bench"), "--quick", "--only", "plugin", "--bin", bin).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, part := range []string{"Calls through the plugin manager", "4 replacements under load: 0 of", "kill -9"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("the report does not have %q:\n%s", part, out)
		}
	}
	t.Logf("%s", out)
}

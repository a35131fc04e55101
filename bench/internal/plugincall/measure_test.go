package plugincall

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "as-bare" {
		if err := ServeBare(context.Background(), os.Args[2]); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// TestMeasure runs each measurement with as little work as there is. It checks that calls, kills and
// replacements work, and no figure.
func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, fileName), "./cmd/"+fileName)
	build.Dir = filepath.Join("..", "..", "..", "plugins", "llm-echo")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r, err := Measure(t.Context(), Options{PluginDir: dir, Bare: []string{"as-bare"}, Callers: []int{1, 4}, Pairs: 1, Calls: 20, Kills: 2, Replacements: 5})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Calls) != 4 || r.Ready <= 0 || r.KillMax < r.KillP50 || r.KillP50 <= 0 || r.Memory.RSS == 0 {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Calls {
		if c.Manager <= 0 || c.Bare <= 0 || c.Ratio <= 0 || c.Low > c.Ratio || c.High < c.Ratio {
			t.Errorf("%+v", c)
		}
	}
	if r.Replacement.Calls == 0 || r.Replacement.Failed != 0 {
		t.Errorf("%+v", r.Replacement)
	}
}

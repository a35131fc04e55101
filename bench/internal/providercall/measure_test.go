package providercall

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "as-provider" {
		if err := Serve(context.Background()); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// TestMeasure runs each measurement with as little work as possible. It checks that calls through
// plugins and calls by official clients succeed. It checks no time.
func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	for _, p := range providers {
		name := "botyard-llm-" + p.name
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, name), "./cmd/"+name)
		build.Dir = filepath.Join("..", "..", "..", "plugins", "llm-"+p.name)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	all, err := Measure(t.Context(), Options{PluginDir: dir, Server: []string{"as-provider"}, Callers: []int{1, 3}, Pairs: 1, Calls: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2*len(providers) {
		t.Errorf("%d results", len(all))
	}
	for _, r := range all {
		for _, l := range []Latency{r.First, r.End} {
			for _, q := range []Quantiles{l.Plugin, l.Bare} {
				if q.P50 <= 0 || q.P95 < q.P50 || q.P99 < q.P95 {
					t.Errorf("%s at %d callers: %+v", r.Provider, r.Callers, q)
				}
			}
		}
		if r.End.Bare.P50 < r.First.Bare.P50 || r.CPU <= 0 || r.Memory.RSS == 0 {
			t.Errorf("%+v", r)
		}
	}
}

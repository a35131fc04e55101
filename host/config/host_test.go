package config

import (
	"errors"
	"io/fs"

	"fmt"
	"sync"
	"time"

	"path/filepath"
	"strings"
	"testing"
)

func TestLoadHost_refuses(t *testing.T) {
	const folder = "testdata/host/bad"
	tb := openTable(t, folder+"/want.txt")
	for _, name := range cases(t, folder) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, name)
			stem := strings.TrimSuffix(path, filepath.Ext(name))
			h, err := LoadHost(LoadOptions{
				File:    path,
				Overlay: optional(stem + ".overlay.yaml"),
				Environ: settings(t, path, "env"),
			})
			if err == nil {
				t.Errorf("%s: no problem, got %+v", name, h.Settings)
				return
			}
			tb.check(t, name, message(t, err))
		})
	}
}

func TestHost_concurrent(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: openai, model: m, api_key: "${env:K}"}}`, "K=sk-operator-key")
	schemas := testSchemas(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			doc := FromMap("t", map[string]any{"llm": map[string]any{"user": fmt.Sprint(i), "models": map[string]int{"a": i}}})
			for range 20 {
				e, err := h.Tenant(t.Context(), fmt.Sprint("tenant-", i), Documents{Operator: doc}, schemas)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := h.Resolve(e, e.LLM)
				if want := fmt.Sprintf(`{"api_key":"sk-operator-key","model":"m","models":{"a":%d},"user":"%d"}`, i, i); err != nil || string(got) != want {
					t.Errorf("%s, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestLoadHost_document(t *testing.T) {
	h, err := LoadHost(LoadOptions{Document: FromMap("my program", map[string]any{
		"listen": "127.0.0.1:0", "plugin_dirs": []string{"p"}, "registry": map[string]int{"cache_ttl": 1},
	})})
	if err != nil || h.Settings.Listen != "127.0.0.1:0" || h.Settings.PluginDirs[0] != "p" || h.Settings.Registry.CacheTTL != time.Second {
		t.Errorf("%+v, %v", h, err)
	}
	_, err = LoadHost(LoadOptions{Document: FromMap("my program", map[string]any{
		"listen": struct{}{}, "registry": map[int]int{1: 1}, "limits": map[string]any{"message_bytes": uint64(1 << 63)},
	})})
	const want = `my program: limits.message_bytes: is out of the range of 64 bits; expected a finite number
my program: listen: is a Go struct {}; expected a map, a list, a text, a number, true, false or nil
my program: registry: is a map whose keys are not texts; expected a map with text keys`
	if got := message(t, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLoadHost_withoutItsFiles(t *testing.T) {
	_, err := LoadHost(LoadOptions{File: "testdata/none.hcl", Overlay: "testdata/none.yaml"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	const want = `testdata/none.hcl: cannot be read: no such file or directory
testdata/none.yaml: cannot be read: no such file or directory`
	if got := message(t, err); got != want {
		t.Errorf("got\n%s", got)
	}
}

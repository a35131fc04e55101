package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadHostRefuses(t *testing.T) {
	const folder = "testdata/host/bad"
	tb := openTable(t, folder+"/want.txt")
	for _, name := range cases(t, folder) {
		path := filepath.Join(folder, name)
		stem := strings.TrimSuffix(path, filepath.Ext(name))
		h, err := LoadHost(LoadOptions{
			File:    path,
			Overlay: optional(stem + ".overlay.yaml"),
			Environ: settings(t, path, "env"),
		})
		if err == nil {
			t.Errorf("%s: no problem, got %+v", name, h.Settings)
			continue
		}
		tb.check(t, name, message(t, err))
	}
}

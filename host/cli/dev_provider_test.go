package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestOllamaURL(t *testing.T) {
	for host, want := range map[string]string{
		"":                         "http://127.0.0.1:11434",
		"127.0.0.1":                "http://127.0.0.1:11434",
		"0.0.0.0":                  "http://127.0.0.1:11434",
		"0.0.0.0:1234":             "http://127.0.0.1:1234",
		":1234":                    "http://127.0.0.1:1234",
		"[::]:1234":                "http://127.0.0.1:1234",
		"[::1]":                    "http://[::1]:11434",
		"gpu.local:80":             "http://gpu.local:80",
		"http://gpu.local":         "http://gpu.local:80",
		"https://gpu.local/ollama": "https://gpu.local:443/ollama",
		" gpu.local/ ":             "http://gpu.local:11434",
		`"127.0.0.1:9"`:            "http://127.0.0.1:9",
		"'example.com'":            "http://example.com:11434",
		"ollama.com":               "https://ollama.com:443",
		"::1":                      "http://[::1]:11434",
		"[::1]:80":                 "http://[::1]:80",
		"[::]":                     "http://127.0.0.1:11434",
		"example.com:port":         "http://example.com:11434",
		"example.com:99999":        "http://example.com:11434",
		"example.com:":             "http://example.com:11434",
		"https://example.com:0":    "https://example.com:443",
		"example.com/a/b/":         "http://example.com:11434/a/b",
	} {
		t.Run(strconv.Quote(host), func(t *testing.T) {
			if got, err := ollamaURL(host); err != nil || got != want {
				t.Errorf("%q: %q, %v; want %q", host, got, err, want)
			}
		})
	}
	for _, host := range []string{"ftp://x", "http://a:b@c", "http://[::1"} {
		t.Run(strconv.Quote(host), func(t *testing.T) {
			if got, err := ollamaURL(host); err == nil {
				t.Errorf("%q: %q", host, got)
			}
		})
	}
}

// TestChooseProvider checks that chooseProvider keeps a provider that the user chose in the
// file or in the environment.
func TestChooseProvider(t *testing.T) {
	file := filepath.Join(t.TempDir(), "botyard.yaml")
	if err := os.WriteFile(file, []byte("defaults: {llm: {provider: openai, model: gpt-4.1}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := chooseProvider(t.Context(), file, nil)
	if err != nil || p.name != "openai" || p.model != "gpt-4.1" || p.environ != nil {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = chooseProvider(t.Context(), file, []string{providerVariable + "=mine", modelVariable + "=m"})
	if err != nil || p.name != "mine" || p.model != "m" || p.environ != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err = chooseProvider(t.Context(), file+"x", nil); err == nil {
		t.Error("no file, and no error")
	}
}

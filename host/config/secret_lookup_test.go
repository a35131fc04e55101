package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// secretsHost returns a host whose secrets_dir has secrets of two tenants, and the folder that
// contains secrets_dir and a secret outside of it.
func secretsHost(t *testing.T) (*Host, string) {
	t.Helper()
	base := t.TempDir()
	for name, content := range map[string]string{
		"secrets/client-a/key":      "sk-own-key\r\n",
		"secrets/client-a/sub/key":  "sk-sub-key\n\n",
		"secrets/client-a/large":    strings.Repeat("x", maxSecret+1),
		"secrets/client-a/binary":   "\xff\xfe12345678",
		"secrets/client-b/key":      "sk-other-key",
		"secrets/shared":            "sk-shared-key",
		"outside":                   "sk-outside-key",
		"secrets/client-a/..2026/k": "sk-rotated-key",
	} {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := filepath.Join(base, "secrets/client-a")
	for name, target := range map[string]string{
		"to-own":      "key",
		"..data":      "..2026", // Kubernetes mounts a secret with such links
		"rotated":     "..data/k",
		"to-other":    "../client-b/key",
		"to-folder":   "../client-b",
		"to-absolute": filepath.Join(base, "outside"),
		"to-passwd":   "/etc/passwd",
		"to-nothing":  "nowhere",
		"to-self":     "to-self",
	} {
		if err := os.Symlink(target, filepath.Join(own, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(own, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base, filepath.Join(base, "secrets/client-c")); err != nil {
		t.Fatal(err)
	}
	h := loadHost(t, fmt.Sprintf(`
secrets_dir: %s/secrets
allow_env: [CLIENT_KEY, EMPTY, BAD]
defaults: {llm: {provider: openai, model: m, base_url: "https://a", api_key: "${env:OPERATOR_KEY}"}}
`, base), "OPERATOR_KEY=sk-operator-key", "CLIENT_KEY=sk-client-key", "EMPTY=", "BAD=\xff\xff\xff\xff\xff\xff\xff\xff")
	return h, base
}

func TestHost_lookup(t *testing.T) {
	h, base := secretsHost(t)
	const outside, regular = "not in the tenant's own folder", "is not a regular file"
	for reference, want := range map[string]string{
		"${file:key}":                               "=sk-own-key",
		"${file:./key}":                             "=sk-own-key",
		"${file:sub/../key}":                        "=sk-own-key",
		"${file:sub/key}":                           "=sk-sub-key\n", // of two line ends only the last is removed
		"${file:to-own}":                            "=sk-own-key",
		"${file:rotated}":                           "=sk-rotated-key",
		"${env:CLIENT_KEY}":                         "=sk-client-key",
		"${file:/etc/passwd}":                       outside,
		"${file:../client-b/key}":                   outside,
		"${file:../shared}":                         outside,
		"${file:sub/../../shared}":                  outside,
		"${file:..}":                                outside,
		"${file:to-other}":                          outside,
		"${file:to-folder/key}":                     outside,
		"${file:to-absolute}":                       outside,
		"${file:to-passwd}":                         outside,
		"${file:to-self}":                           outside, // a link to itself
		"${file:" + base + "/secrets/client-a/key}": outside,
		"${file:to-nothing}":                        "cannot be read: no such file",
		"${file:none}":                              "cannot be read: no such file",
		"${file:.}":                                 regular,
		"${file:sub}":                               regular,
		"${file:pipe}":                              regular,
		"${file:large}":                             "more than 65536 bytes",
		"${file:binary}":                            "not UTF-8",
		"${env:OPERATOR_KEY}":                       "which the operator does not let tenants use",
		"${env:UNSET_AND_FORBIDDEN}":                "which the operator does not let tenants use",
		"${env:EMPTY}":                              "is empty",
		"${env:BAD}":                                "not UTF-8",
		"${env:CLIENT_KEY} ":                        "as a part of it",
		"${env:CLIENT_KEY}${file:key}":              "as a part of it",
		"${ENV:CLIENT_KEY}":                         "unknown scheme",
		"${env:}":                                   "a reference to nothing",
	} {
		t.Run(reference, func(t *testing.T) {
			doc := FromMap("tenant", map[string]any{"llm": map[string]any{"api_key": reference}})
			e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, testSchemas(t))
			if value, ok := strings.CutPrefix(want, "="); ok {
				if err != nil {
					t.Errorf("%s: %v", reference, err)
					return
				}
				got, err := h.Resolve(e, e.LLM)
				if err != nil || !strings.Contains(string(got), fmt.Sprintf(`"api_key":%q`, value)) {
					t.Errorf("%s: %s, %v", reference, got, err)
				}
				return
			}
			if err == nil {
				got, _ := h.Resolve(e, e.LLM)
				t.Errorf("%s is accepted: %s", reference, got)
				return
			}
			if got := message(t, err); !strings.Contains(got, want) || strings.Contains(got, "sk-") || strings.Contains(got, "\n") {
				t.Errorf("%s: %s, want %q", reference, got, want)
			}
		})
	}
}

// TestHost_lookup_folderIsALink checks that a tenant's folder is refused if it is a symbolic link
// that leads out of secrets_dir.
func TestHost_lookup_folderIsALink(t *testing.T) {
	h, _ := secretsHost(t)
	doc := FromMap("tenant", map[string]any{"llm": map[string]any{"api_key": "${file:outside}"}})
	if _, err := h.Tenant(t.Context(), "client-c", Documents{Operator: doc}, testSchemas(t)); err == nil {
		t.Error("a linked folder is accepted")
	}
}

// TestHost_lookup_fileIsSwapped checks that Resolve refuses a file whose folder was replaced by a
// symbolic link after Host.Tenant had checked it.
func TestHost_lookup_fileIsSwapped(t *testing.T) {
	h, base := secretsHost(t)
	doc := FromMap("tenant", map[string]any{"llm": map[string]any{"api_key": "${file:sub/key}", "headers": map[string]any{"a": "literal-secret"}}})
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(base, "secrets/client-a/sub")
	if err := os.RemoveAll(sub); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(base, "secrets/client-b"), sub); err != nil {
		t.Fatal(err)
	}
	got, err := h.Resolve(e, e.LLM)
	if err == nil {
		t.Fatalf("read %s", got)
	}
	const want = `tenant: llm.api_key: refers to the file "sub/key", which is not in the tenant's own folder; expected a path in secrets_dir/TENANT, relative to it`
	if m := message(t, err); m != want {
		t.Error(m)
	}
}

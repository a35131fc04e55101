package docstest

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/archive"
	"github.com/botyard/botyard/host/plugins"
)

func isConfig(b *block) bool {
	switch b.lang {
	case "hcl", "yaml":
		return true
	case "json":
		return !b.has("type")
	}
	return false
}

// checkedPath matches the files whose configuration is already checked after the page's
// commands.
var checkedPath = regexp.MustCompile(`(^|/)(botyard|tenants/[a-z0-9-]+)\.(hcl|yaml|json)$`)

func TestConfigurations_areValidOrRefused(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if !isConfig(b) {
				continue
			}
			if path, ok := b.marks["file"]; ok {
				if !checkedPath.MatchString(path) {
					t.Errorf("%s: %s is neither a host file nor in a folder tenants, and so nobody checks it", b.at(), path)
				}
				continue
			}
			out, err := check(t, b)
			if refused := err != nil; refused != b.has("invalid") {
				t.Errorf("%s: config check: %v\n%s", b.at(), err, out)
			}
		}
	}
}

// check runs "config check" for a block as a tenant file. If that fails, check runs it for the
// block as a host file.
func check(t *testing.T, b *block) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("host.hcl", "defaults {\n  llm {\n    provider = \"echo\"\n  }\n}\n")
	write("tenants/any."+b.lang, b.text)
	write("own."+b.lang, b.text)
	certificate, key := pair(t)
	write("tls/cert.pem", certificate)
	write("tls/key.pem", key)
	write("anthropic-key", "secret\n")
	var out []byte
	var err error
	for _, args := range [][]string{{"host.hcl", "tenants"}, {"own." + b.lang, "none"}} {
		if mkdirErr := os.MkdirAll(filepath.Join(dir, "none"), 0o700); mkdirErr != nil {
			t.Fatal(mkdirErr)
		}
		cmd := exec.Command(filepath.Join(binaries, "botyard"), "config", "check",
			"--config", filepath.Join(dir, args[0]), "--tenant-dir", filepath.Join(dir, args[1]),
			"--plugin-dir", filepath.Join(binaries, "plugins"))
		cmd.Env = environment()
		more, runErr := cmd.CombinedOutput()
		if runErr == nil {
			return nil, nil
		}
		out, err = append(out, more...), runErr
	}
	return out, err
}

// pair returns a certificate and its key in PEM, for configurations that name such files.
func pair(t *testing.T) (certificate, key string) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	known := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(known.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("CERTIFICATE", known.Certificate[0]), encode("PRIVATE KEY", private)
}

// shown has the types of which pages show the JSON, by the names that the mark "type" uses.
var shown = map[string]any{
	"ChatReply": api.ChatReply{}, "Problem": api.Problem{}, "Conversations": api.Conversations{},
	"Messages": api.Messages{}, "Turns": api.Turns{}, "Tenant": api.Tenant{}, "Tenants": api.Tenants{}, "TenantVersions": api.TenantVersions{},
	"Effective": api.Effective{}, "InstanceChecks": api.InstanceChecks{}, "Cache": api.Cache{}, "CachedBot": api.CachedBot{}, "Plugins": api.Plugins{},
	"Reload": api.Reload{}, "Imported": api.Imported{}, "Receipt": archive.Receipt{}, "InspectedTurn": api.InspectedTurn{}, "Status": plugins.Status{}, "ChatRequest": chatRequest{},
}

// chatRequest has the fields of a chat request. Package api exports no type for it.
type chatRequest struct {
	ConversationID string          `json:"conversation_id"`
	Message        string          `json:"message"`
	UserID         string          `json:"user_id"`
	Metadata       json.RawMessage `json:"metadata"`
	Stream         bool            `json:"stream"`
}

func TestJSONBlocks_haveTheFieldsOfTheirType(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			name, ok := b.marks["type"]
			if !ok {
				continue
			}
			of, ok := shown[name]
			if !ok {
				t.Errorf("%s: %q is no type that this test knows", b.at(), name)
				continue
			}
			value := reflect.New(reflect.TypeOf(of))
			d := json.NewDecoder(bytes.NewReader([]byte(b.text)))
			d.DisallowUnknownFields()
			if err := d.Decode(value.Interface()); err != nil {
				t.Errorf("%s: is not the JSON of %s: %v", b.at(), name, err)
				continue
			}
			var given map[string]json.RawMessage
			if err := json.Unmarshal([]byte(b.text), &given); err != nil {
				t.Errorf("%s: %v", b.at(), err)
			}
			for field := range reflect.TypeOf(of).Fields() {
				key, optional := jsonName(field)
				if _, ok := given[key]; !ok && !optional {
					t.Errorf("%s: %s has the field %s, which is not shown", b.at(), name, key)
				}
			}
		}
	}
}

var jsonTag = regexp.MustCompile(`^([^,]*)(,omitempty)?`)

func jsonName(f reflect.StructField) (name string, optional bool) {
	m := jsonTag.FindStringSubmatch(f.Tag.Get("json"))
	return m[1], m[2] != ""
}

package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/botyard/botyard/sdk/egress"
)

// lookedUp is a resolver that has addresses for a few names and counts the lookups.
type lookedUp struct {
	names map[string]string
	looks atomic.Int64
}

func (l *lookedUp) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	l.looks.Add(1)
	if addr, ok := l.names[host]; ok {
		return []netip.Addr{netip.MustParseAddr(addr)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func egressHost(t *testing.T, src string, l *lookedUp, environ ...string) *Host {
	t.Helper()
	doc, err := ParseYAML("host.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	h, err := LoadHost(LoadOptions{Document: doc, Environ: environ, Dialing: []egress.Option{egress.WithResolver(l), egress.WithLocal(func() []netip.Addr { return nil })}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// leading returns plugin schemas with every form of address key.
func leading(t *testing.T) fakeSchemas {
	s := testSchemas(t)
	s["llm"]["ollama"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {
		"model": {"type": "string"},
		"base_url": {"type": "string", "x-botyard-endpoint": true, "default": "http://127.0.0.1:11434"},
		"others": {"type": "array", "items": {"type": "object", "properties": {"url": {"type": "string", "x-botyard-endpoint": true}, "name": {"type": "string"}}}}
	}}`)
	s["storage"]["postgres"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {
		"dsn": {"type": "string", "x-botyard-secret": true, "x-botyard-endpoint": true},
		"connection": {"type": "object", "properties": {
			"host": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "x-botyard-endpoint": true},
			"port": {"type": "integer", "x-botyard-endpoint": true},
			"database": {"type": "string", "x-botyard-endpoint": true, "x-botyard-address": false},
			"password": {"type": "string", "x-botyard-secret": true}}}
	}}`)
	return s
}

// operators is a host configuration whose tenant_policy lets tenants set every key, so that only
// the egress policy can refuse an address.
const operators = `
tenant_policy: {keys: [llm, conversation_storage, prompts], plugins: {llm: [echo, ollama], storage: [memory]}}
defaults:
  llm: {provider: ollama, model: m, base_url: "http://10.0.0.5:11434"}
  conversation_storage: {backend: postgres, connection: {host: 10.0.0.5, port: 5432, database: bots}}
`

// TestEgress_ofATenant checks for many own settings of a tenant whether the egress policy applies
// to them and whether it refuses them.
func TestEgress_ofATenant(t *testing.T) {
	l := &lookedUp{names: map[string]string{"inner.example": "10.0.0.7", "outer.example": "8.8.8.8"}}
	h := egressHost(t, operators+`egress: {allow: ["10.0.0.9", "db.internal", "/run/shared"]}`, l)
	for _, c := range []struct {
		own  string
		want string // "free": the policy does not apply; "ruled": it applies; else parts of the only problem, with | between
	}{
		{`{}`, "free"},
		{`{prompts: {system: hi}}`, "free"},
		{`{llm: {model: other}}`, "free"},
		{`{conversation_storage: {connection: {database: mine}}}`, "free"},
		{`{llm: {base_url: "http://127.0.0.1:11434"}}`, "free"}, // equals the plugin's default
		{`{llm: {base_url: ~}}`, "free"},                        // removal makes the plugin's default effective
		{`{llm: {provider: echo}}`, "free"},
		{`{llm: {base_url: "https://8.8.8.8"}}`, "ruled"},
		{`{llm: {base_url: "http://outer.example"}}`, "ruled"},
		{`{llm: {base_url: "http://inner.example"}}`, "ruled"}, // Host.Tenant looks up no names
		{`{llm: {base_url: "http://10.0.0.9"}}`, "ruled"},
		{`{llm: {base_url: "http://10.0.0.5:11434"}}`, `own.yaml:1|llm.base_url|10.0.0.5 is a private address|egress { allow = ["10.0.0.5:11434"] }`},
		{`{llm: {base_url: "http://127.0.0.1:11435"}}`, `llm.base_url|loopback|allow = ["127.0.0.1:11435"]`},
		{`{llm: {base_url: "http://localhost:6379"}}`, `llm.base_url|this machine|allow = ["localhost:6379"]`},
		{`{llm: {base_url: "http://0x7f.1"}}`, `llm.base_url|0x7f.1 leads to 127.0.0.1|allow = ["127.0.0.1:80"]`},
		{`{llm: {base_url: "http://[::ffff:169.254.169.254]/latest"}}`, `llm.base_url|metadata`},
		{`{llm: {base_url: "http://8.8.8.8@10.0.0.1"}}`, `llm.base_url|10.0.0.1`},
		{`{llm: {others: [{url: "http://8.8.8.8"}, {url: "http://10.0.0.1", name: x}]}}`, `llm.others.1.url|10.0.0.1`},
		{`{conversation_storage: {connection: {host: 192.168.1.1}}}`, `conversation_storage.connection.host|192.168.1.1|allow = ["192.168.1.1"]`},
		{`{conversation_storage: {connection: {host: [8.8.8.8, "10.0.0.8:5433"]}}}`, `conversation_storage.connection.host.1|allow = ["10.0.0.8:5433"]`},
		{`{conversation_storage: {connection: {host: /run/postgresql}}}`, `conversation_storage.connection.host|unix socket|allow = ["/run/postgresql"]`},
		{`{conversation_storage: {connection: {host: /run/shared/pg}}}`, "ruled"},
		{`{conversation_storage: {connection: {host: db.internal}}}`, "ruled"},
		// A tenant may not reach the inherited host at another port.
		{`{conversation_storage: {connection: {port: 6379}}}`, `own.yaml:1|conversation_storage.connection.port|10.0.0.5`},
		{`{conversation_storage: {connection: {host: ~}}}`, "ruled"}, // the plugin decides the address of a missing host
		{`{conversation_storage: {connection: ~}}`, "ruled"},
		{`{conversation_storage: {dsn: "postgres://u:hush@10.0.0.6/x"}}`, `conversation_storage.dsn|leads to 10.0.0.6|allow = ["10.0.0.6:5432"]`},
		{`{conversation_storage: {dsn: "host=10.0.0.6 password=hush"}}`, `conversation_storage.dsn|leads to 10.0.0.6`},
		{`{conversation_storage: {dsn: "postgres://u:hush@localhost/x"}}`, `conversation_storage.dsn|leads to this machine`},
		{`{conversation_storage: {dsn: "123456"}}`, "conversation_storage.connection.host|10.0.0.5"}, // the text has no address, so the inherited host is refused
	} {
		t.Run(c.own, func(t *testing.T) {
			own, err := ParseYAML("own.yaml", []byte(c.own))
			if err != nil {
				t.Fatal(err)
			}
			e, err := h.Tenant(t.Context(), "a", Documents{Own: own}, leading(t))
			switch {
			case c.want == "free" || c.want == "ruled":
				if err != nil {
					t.Errorf("%s: %v", c.own, err)
				} else if got := e.LLM.Egress.Restricts() || e.Storage.Egress.Restricts(); got != (c.want == "ruled") {
					t.Errorf("%s: the rule holds: %t", c.own, got)
				}
			case err == nil:
				t.Errorf("%s: was taken", c.own)
			default:
				said := err.Error()
				if strings.Contains(said, "hush") || strings.Contains(said, "123456") || strings.Contains(said, "1.226") {
					t.Errorf("%s: %s has a secret", c.own, said)
				}
				if c.want == "conversation_storage.connection.host|10.0.0.5" { // the problem names the tenant's own key
					c.want = "conversation_storage.dsn|10.0.0.5"
				}
				for part := range strings.SplitSeq(c.want, "|") {
					if !strings.Contains(said, part) {
						t.Errorf("%s:\n%s\nhas no %s", c.own, said, part)
					}
				}
			}
		})
	}
	if n := l.looks.Load(); n != 0 {
		t.Errorf("%d names were looked up", n)
	}
}

// TestEgress_ofTheOperator checks that the egress policy does not apply to addresses in the
// operator's document.
func TestEgress_ofTheOperator(t *testing.T) {
	h := egressHost(t, operators, &lookedUp{})
	doc := yamlDoc(t, `{llm: {base_url: "http://169.254.169.254"}, conversation_storage: {connection: {host: /run/postgresql, port: 1}}}`)
	e, err := h.Tenant(t.Context(), "a", Documents{Operator: doc, Own: FromMap("own", map[string]any{"prompts": map[string]any{"system": "x"}})}, leading(t))
	if err != nil || e.LLM.Egress.Restricts() || e.Storage.Egress.Restricts() || e.Destinations() != nil {
		t.Error(e, err)
	}
	if free := egressHost(t, operators+"egress: {tenants: any}", &lookedUp{}); free.Egress().Restricts() {
		t.Error("any restricts")
	}
}

// TestEgress_revision checks that a changed egress policy changes the revisions of the tenants to
// which it applies, and of no others.
func TestEgress_revision(t *testing.T) {
	one, two := egressHost(t, operators, &lookedUp{}), egressHost(t, operators+`egress: {allow: ["10.0.0.0/8"]}`, &lookedUp{})
	two.sealer = one.sealer
	revision := func(h *Host, own string) string {
		doc, err := ParseYAML("own.yaml", []byte(own))
		if err != nil {
			t.Fatal(err)
		}
		e, err := h.Tenant(t.Context(), "a", Documents{Own: doc}, leading(t))
		if err != nil {
			t.Fatal(err)
		}
		return e.Revision
	}
	if revision(one, `{llm: {model: x}}`) != revision(two, `{llm: {model: x}}`) {
		t.Error("a rule that does not hold changed the revision")
	}
	if revision(one, `{llm: {base_url: "http://x.example"}}`) == revision(two, `{llm: {base_url: "http://x.example"}}`) {
		t.Error("another rule is the same revision")
	}
}

// TestEgress_sealedBlock checks that OpenBlock gives a stored block the host's current egress
// policy.
func TestEgress_sealedBlock(t *testing.T) {
	h := egressHost(t, operators, &lookedUp{})
	own := FromMap("own", map[string]any{"llm": map[string]any{"base_url": "http://x.example"}})
	e, err := h.Tenant(t.Context(), "a", Documents{Own: own}, leading(t))
	if err != nil {
		t.Fatal(err)
	}
	sealed, free := h.SealBlock("a", e.LLM), h.SealBlock("a", e.Storage)
	if !sealed.Own || free.Own {
		t.Error(sealed, free)
	}
	now := egressHost(t, operators+`egress: {tenants: none}`, &lookedUp{})
	now.sealer = h.sealer
	opened, err := now.OpenBlock("a", sealed)
	if err != nil || opened.Egress.Mode() != egress.None {
		t.Error(opened.Egress, err)
	}
	if opened, err := now.OpenBlock("a", free); err != nil || opened.Egress.Restricts() {
		t.Error(opened.Egress, err)
	}
	var trusted Block = e.LLM
	trusted.Egress = egress.Policy{}
	if h.SealBlock("a", trusted).Digest == sealed.Digest {
		t.Error("a storage of the tenant's own is that of the operator")
	}
}

// TestEgress_hostFile checks that LoadHost reports invalid entries of the block egress.
func TestEgress_hostFile(t *testing.T) {
	for src, want := range map[string]string{
		`egress: {allow: ["10.0.0.5", "127.1", "a b"]}`: "host.yaml:1:30: egress.allow.1: is no name of a host|egress.allow.2",
		`egress: {tenants: private}`:                    "egress.tenants",
		`egress: {allow: 10.0.0.5}`:                     "egress.allow",
		`egress: {deny: []}`:                            "egress.deny",
		`egress: {allow: ["10.0.0.0/40"]}`:              "is no network",
	} {
		t.Run(src, func(t *testing.T) {
			doc, err := ParseYAML("host.yaml", []byte(src))
			if err != nil {
				t.Fatal(err)
			}
			_, err = LoadHost(LoadOptions{Document: doc})
			var problems Problems
			if !errors.As(err, &problems) {
				t.Errorf("%s: %v", src, err)
				return
			}
			for part := range strings.SplitSeq(want, "|") {
				if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.String(), part) }) {
					t.Errorf("%s: %v has no %s", src, err, part)
				}
			}
		})
	}
}

// beyond: addresses that are allowed
func TestEgress_manyAddresses(t *testing.T) {
	var allow []any
	for i := range egress.MaxAllow + 1 {
		allow = append(allow, fmt.Sprintf("10.0.%d.%d", i/250, i%250))
	}
	_, err := LoadHost(LoadOptions{Document: FromMap("host", map[string]any{"egress": map[string]any{"allow": allow}})})
	if err == nil || !strings.Contains(err.Error(), "egress.allow") {
		t.Error(err)
	}
}

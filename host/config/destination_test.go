package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestHost_CheckDestinations checks that a name that resolves to a forbidden address is reported
// with its key and with the line of the host file that would allow the address.
func TestHost_CheckDestinations(t *testing.T) {
	l := &lookedUp{names: map[string]string{"inner.example": "10.0.0.7", "outer.example": "8.8.8.8", "loop.example": "::1", "db.internal": "10.0.0.3"}}
	const rule = `
egress: {allow: [db.internal]}
plugin: {llm: {ollama: {env: [HTTPS_PROXY]}}}
`
	h := egressHost(t, operators+rule, l)
	check := func(t *testing.T, h *Host, src string) string {
		t.Helper()
		own, err := ParseYAML("own.yaml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		e, err := h.Tenant(t.Context(), "a", Documents{Own: own}, leading(t))
		if err != nil {
			t.Fatal(err)
		}
		problems := h.CheckDestinations(t.Context(), e)
		if len(problems) == 0 {
			return ""
		}
		return problems.Error()
	}
	for src, want := range map[string]string{
		`{llm: {base_url: "http://outer.example"}}`:                                         "",
		`{llm: {base_url: "http://nowhere.example"}}`:                                       "", // a name without an address is left to the dialer
		`{conversation_storage: {connection: {host: db.internal}}}`:                         "",
		`{llm: {base_url: "http://inner.example:99"}}`:                                      `own.yaml:1:8: llm.base_url: inner.example leads to 10.0.0.7, a private address, and that is not allowed here; expected a public address, or in the host file: egress { allow = ["10.0.0.7:99"] }`,
		`{llm: {base_url: "http://loop.example"}}`:                                          `own.yaml:1:8: llm.base_url: loop.example leads to ::1, a loopback address, and that is not allowed here; expected a public address, or in the host file: egress { allow = ["[::1]:80"] }`,
		`{conversation_storage: {connection: ~, dsn: "postgres://u:hush@inner.example/x"}}`: `own.yaml:1:40: conversation_storage.dsn: leads to 10.0.0.7, a private address, and that is not allowed here; expected a public address, or in the host file: egress { allow = ["10.0.0.7:5432"] }`,
	} {
		t.Run(src, func(t *testing.T) {
			if got := check(t, h, src); got != want {
				t.Errorf("%s:\n got %s\nwant %s", src, got, want)
			}
		})
	}
	// If the operator sets a proxy, the proxy checks the names.
	if got := check(t, egressHost(t, operators+rule, l, "HTTPS_PROXY=http://10.0.0.1:3128"), `{llm: {base_url: "http://inner.example"}}`); got != "" {
		t.Error(got)
	}
}

// beyond: names that are looked up
func TestHost_CheckDestinations_many(t *testing.T) {
	l := &lookedUp{}
	h := egressHost(t, operators, l)
	var others []string
	for i := range 60 {
		others = append(others, fmt.Sprintf(`{url: "http://n%d.example"}`, i))
	}
	own, err := ParseYAML("own.yaml", []byte(`{llm: {base_url: "http://first.example", others: [`+strings.Join(others, ", ")+`]}}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Tenant(t.Context(), "a", Documents{Own: own}, leading(t))
	if err != nil {
		t.Fatal(err)
	}
	if problems := h.CheckDestinations(t.Context(), e); problems != nil || l.looks.Load() != 16 {
		t.Errorf("%d looks, %v", l.looks.Load(), problems)
	}
}

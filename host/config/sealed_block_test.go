package config

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/secret"
)

func TestSealedBlock_resolvesAsTheFirst(t *testing.T) {
	schemas := testSchemas(t)
	key := secret.NewKey()
	load := func(key *secret.Key) *Host {
		h, err := LoadHost(LoadOptions{Sealer: key, Environ: []string{"K=sk-from-environment"}, Document: yamlDoc(t, `{allow_env: [K]}`)})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := load(key)
	e, err := h.Tenant(t.Context(), "a", Documents{Operator: yamlDoc(t, `{llm: {provider: openai, model: m, api_key: "${env:K}", timeout: 9007199254740993,
		headers: {x: literal-secret}, keys: [{name: n, value: another-secret}], models: {"gpt-4.1": 1}}}`)}, schemas)
	if err != nil {
		t.Fatal(err)
	}
	sealed := h.SealBlock("a", e.LLM)
	stored, err := json.Marshal(sealed)
	if err != nil || strings.Contains(string(stored), "literal-secret") || strings.Contains(string(stored), "from-environment") {
		t.Fatalf("stored as %s, %v", stored, err)
	}
	if got, want := sealed.Label(), "openai (model=m, models.\"gpt-4.1\"=1, timeout=9007199254740993)"; got != want {
		t.Errorf("labelled %s; want %s", got, want)
	}
	var back SealedBlock
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Fatal(err)
	}
	opened, err := h.OpenBlock("a", back)
	if err != nil {
		t.Fatal(err)
	}
	want, err1 := h.Resolve(e, e.LLM)
	got, err2 := h.Resolve(&Effective{Tenant: "a"}, opened)
	if string(got) != string(want) || errors.Join(err1, err2) != nil {
		t.Errorf("got %s\nwant %s (%v)", got, want, errors.Join(err1, err2))
	}
	if again := h.SealBlock("a", opened); again.Digest != sealed.Digest {
		t.Error("the same block has two digests")
	}
	if _, err := load(secret.NewKey()).OpenBlock("a", back); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("another host's key: %v", err)
	}
	if _, err := h.OpenBlock("b", back); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("another tenant: %v", err)
	}
	if !opened.HasReferences() {
		t.Error("the reference was lost")
	}
}

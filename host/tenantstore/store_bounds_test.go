package tenantstore_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStore_Put_boundedSize checks that documents up to the bound can be stored and read,
// although sealing and escaping make them several times as long.
func TestStore_Put_boundedSize(t *testing.T) {
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(&tenantstoretest.Memory{}), Key: secret.NewKey()})
	put := func(text string) (*tenantstore.Entry, error) {
		document, err := config.ParseJSON("body", []byte(`{"llm":{"api_key":"`+text+`"},"prompts":{"system":"`+text+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return l.Put(t.Context(), tenantstore.Entry{
			Tenant: "a", State: storage.TenantActive, Incarnation: "life", Document: document, Literals: []config.Path{{"llm", "api_key"}},
		}, tenantstore.PutOptions{EraseHistory: true})
	}
	const half = 1<<19 - 100
	for name, text := range map[string]string{
		"plain": strings.Repeat("x", half), "for HTML": strings.Repeat("<", half), "lines": strings.Repeat("\u2028", half/6),
		"of three bytes": strings.Repeat("\u2028", half/6), "separators": strings.Repeat(" ", half/3), "quotes": strings.Repeat(`\"`, half/2),
	} {
		t.Run(name, func(t *testing.T) {
			l = tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(&tenantstoretest.Memory{}), Key: secret.NewKey()})
			if e, err := put(text); err != nil || e.Err != nil {
				t.Errorf("%v, %v", err, e)
			}
		})
	}
	l = tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(&tenantstoretest.Memory{}), Key: secret.NewKey()})
	// exactly returns an entry whose stored document has exactly n bytes, including `{"a":""}`.
	exactly := func(n int) tenantstore.Entry {
		return tenantstore.Entry{Tenant: "a", State: storage.TenantActive, Incarnation: "life",
			Document: config.FromMap("x", map[string]any{"a": strings.Repeat("<", n-len(`{"a":""}`))})}
	}
	if e, err := l.Put(t.Context(), exactly(bounds.StoredBytes), tenantstore.PutOptions{}); err != nil || e.Err != nil {
		t.Errorf("at the bound: %v, %v", err, e)
	}
	// beyond: stored settings
	if _, err := l.Put(t.Context(), exactly(bounds.StoredBytes+1), tenantstore.PutOptions{IfVersion: 1}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "have 6291457 bytes as they are stored; at most 6291456") {
		t.Errorf("beyond the bound: %v", err)
	}
	// beyond: registration
	with := exactly(bounds.StoredBytes)
	for range 3 {
		with.Storages = append(with.Storages, config.SealedBlock{Config: json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)})
	}
	if _, err := l.Put(t.Context(), with, tenantstore.PutOptions{IfVersion: 1}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `its settings, its own settings and the 3 storages that it uses or used, has 943`) {
		t.Errorf("with storages: %v", err)
	}
	with.Storages = with.Storages[:1]
	if e, err := l.Put(t.Context(), with, tenantstore.PutOptions{IfVersion: 1}); err != nil || len(e.Storages) != 1 {
		t.Errorf("with a storage: %v", err)
	}
}

// TestStore_bounds checks that a document at a bound of config is read as it was stored, by Get
// and History of another Store.
func TestStore_bounds(t *testing.T) {
	key := secret.NewKey()
	shared := &tenantstoretest.Memory{}
	for name, c := range documentsAtBounds() {
		t.Run(name, func(t *testing.T) {
			text, literals := c.text, c.literals
			document, err := config.ParseJSON("body", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
			if _, err := l.Put(t.Context(), tenantstore.Entry{Tenant: name, State: storage.TenantActive, Incarnation: "life", Document: document, Literals: literals}, tenantstore.PutOptions{}); err != nil {
				t.Error(err)
				return
			}
			other := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
			e, err := other.Get(t.Context(), name)
			if err != nil || e.Err != nil || !reflect.DeepEqual(e.Document.Values(), document.Values()) {
				t.Errorf("it came back otherwise: %v", err)
				return
			}
			versions, _, err := other.History(t.Context(), name, 0, 10)
			if err != nil || len(versions) != 1 || versions[0].Err != nil || !reflect.DeepEqual(versions[0].Document.Values(), document.Values()) {
				t.Errorf("the history has it otherwise: %v", err)
			}
			// A document that was read can be put again.
			if again, err := other.Put(t.Context(), *versions[0], tenantstore.PutOptions{IfVersion: 1}); err != nil || again.Err != nil || !reflect.DeepEqual(again.Document.Values(), document.Values()) {
				t.Errorf("it is not taken again: %v", err)
			}
		})
	}
}

type documentAtBound struct {
	text     string
	literals []config.Path
}

// documentsAtBounds returns documents by name. Each document reaches a bound of documents.
func documentsAtBounds() map[string]documentAtBound {
	fill := func(sign string) documentAtBound {
		const around = `{"a":""}`
		text := strings.Repeat(sign, (bounds.DocumentBytes-len(around))/len(sign))
		return documentAtBound{text: `{"a":"` + text + `"}`}
	}
	// The document, its key and the last element are the other three of bounds.DocumentValues.
	list := func(element string) documentAtBound {
		return documentAtBound{text: `{"a":[` + strings.Repeat(element+",", bounds.DocumentValues-3) + element + `]}`}
	}
	secrets := documentAtBound{}
	var keys []string
	for i := range 100 {
		keys = append(keys, fmt.Sprintf(`"k%d":%q`, i, strings.Repeat("<", 2000)))
		secrets.literals = append(secrets.literals, config.Path{"llm", "headers", fmt.Sprintf("k%d", i)})
	}
	secrets.text = `{"llm":{"headers":{` + strings.Join(keys, ",") + `}}}`
	long := `"` + strings.Repeat("k", bounds.KeyBytes) + `":`
	return map[string]documentAtBound{
		"x": fill("x"), "less": fill("<"), "lines": fill("\u2028"), "escaped": fill(`\u0001`), "quotes": fill(`\"`), "wide": fill("\U0001F600"),
		"list": list("1"), "numbers": list("1e18"), "fractions": list("1.5e-300"), "texts": list(`"<"`), "nulls": list("null"), "maps": list("{}"),
		"deep":    {text: strings.Repeat(`{"a":`, bounds.DocumentDepth) + "1" + strings.Repeat("}", bounds.DocumentDepth)},
		"lists":   {text: `{"a":` + strings.Repeat("[", bounds.DocumentDepth-1) + strings.Repeat("]", bounds.DocumentDepth-1) + "}"},
		"keys":    {text: "{" + long + "{" + long + "{" + long + "{" + long + "1}}}}"},
		"secrets": secrets,
	}
}

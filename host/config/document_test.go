package config

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"github.com/botyard/botyard/host/secret"
)

func TestPath(t *testing.T) {
	for want, p := range map[string]Path{
		"":                     nil,
		"a":                    {"a"},
		"a.b":                  {"a", "b"},
		`models."gpt-4.1".x`:   {"models", "gpt-4.1", "x"},
		`"a b".""."\"".é."\n"`: {"a b", "", `"`, "é", "\n"},
	} {
		if got := p.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	at := func(file string, line, column int) Pos { return Pos{file, line, column} }
	ps := Problems{
		{Pos: at("b", 1, 1), Message: "x"},
		{Pos: at("a", 2, 1), Path: Path{"k"}, Message: "y", Expected: "z"},
		{Pos: at("a", 1, 9), Message: "y"},
		{Pos: at("a", 1, 9), Message: "y"},
		{Pos: at("a", 1, 10), Message: "y"},
		{Message: "no position"},
	}
	const want = "no position\na:1:9: y\na:1:10: y\na:2:1: k: y; expected z\nb:1:1: x"
	if got := ps.err().Error(); got != want {
		t.Errorf("got\n%s", got)
	}
	if Problems(nil).err() != nil {
		t.Error("no problems are an error")
	}
}

func TestFromMap(t *testing.T) {
	type word string
	in := map[string]any{
		"a": 1, "b": uint8(2), "c": float32(0.5), "d": 3.0, "e": []string{"x"}, "f": map[string]string{"k": "v"},
		"g": []any{nil, true, map[word]int{"w": 1}}, "h": secret.NewText("sk-1"), "i": word("w"), "j": nil, "k": [2]int{1, 2},
	}
	doc := FromMap("m", in)
	want := map[string]any{
		"a": int64(1), "b": int64(2), "c": 0.5, "d": int64(3), "e": []any{"x"}, "f": map[string]any{"k": "v"},
		"g": []any{nil, true, map[string]any{"w": int64(1)}}, "h": "sk-1", "i": "w", "j": nil, "k": []any{int64(1), int64(2)},
	}
	if got := doc.Values(); !reflect.DeepEqual(got, want) || len(doc.problems) > 0 {
		t.Errorf("got %#v, %v", got, doc.problems)
	}
	doc.Values()["f"].(map[string]any)["k"] = "changed"
	if !reflect.DeepEqual(doc.Values(), want) {
		t.Error("Values gives what the document keeps")
	}
	loop := map[string]any{}
	loop["loop"] = loop
	if doc := FromMap("m", loop); len(doc.problems) != 1 {
		t.Errorf("a map in itself gives %v", doc.problems)
	}
	var none *Document
	if got := none.Values(); len(got) != 0 || fmt.Sprint(none) != "no document" {
		t.Errorf("a nil document has %v", got)
	}
}

func TestRestoreSecrets(t *testing.T) {
	old := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: sk-2}, {value: sk-3}], n: 7, headers: {a: b}}, prompts: {system: s}}`)
	new := yamlDoc(t, `{llm: {api_key: <secret>, keys: [{value: <secret>}, {value: other}, {value: <secret>}], n: <secret>, headers: <secret>, none: <secret>, x: "<secret> "}}`)
	before := new.Values()
	got := RestoreSecrets(new, old).Values()
	want := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: sk-2}, {value: other}, {value: <secret>}], n: 7, headers: <secret>, none: <secret>, x: "<secret> "}}`).Values()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if !reflect.DeepEqual(new.Values(), before) {
		t.Error("the new document was changed")
	}
	if RestoreSecrets(nil, old) != nil || RestoreSecrets(new, nil) != new {
		t.Error("nil documents")
	}
	if pos := RestoreSecrets(new, old).Pos(Path{"llm", "api_key"}); pos != new.Pos(Path{"llm", "api_key"}) || pos.Line != 1 {
		t.Errorf("the position is %s", pos)
	}
}

func TestReplaceText(t *testing.T) {
	doc := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: sk-2}], n: 7}}`)
	got := doc.ReplaceText([]Path{{"llm", "keys", "0", "value"}, {"llm", "n"}, {"none"}}, func(path Path, text string) string {
		return path.String() + "=" + text
	})
	want := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: llm.keys.0.value=sk-2}], n: 7}}`)
	if !reflect.DeepEqual(got.Values(), want.Values()) {
		t.Errorf("got %v", got.Values())
	}
}

// TestDocumentSize: a host keeps the document of every tenant.
func TestDocumentSize(t *testing.T) {
	const n = 2000
	docs := make([]*Document, n)
	before := heap()
	for i := range docs {
		docs[i] = yamlDoc(t, fmt.Sprintf(`
llm: {model: "gemma3:4b"}
memory: {type: buffer, max_messages: %d}
prompts: {system: You are a customer support assistant.}
limits: {concurrent_turns: 2}
`, i+1))
	}
	after := heap()
	if size := (int64(after) - int64(before)) / n; size > 1000 {
		t.Errorf("a document takes %d bytes", size)
	} else {
		t.Logf("a document takes %d bytes", size)
	}
	runtime.KeepAlive(docs)
}

// TestEffectiveSize: the registry keeps one for every tenant, most of which
// inherit most of their configuration.
func TestEffectiveSize(t *testing.T) {
	const n = 2000
	h := loadHost(t, `
defaults:
  llm: {provider: ollama, model: "gemma3:1b", base_url: "http://localhost:11434", temperature: 0.5}
  conversation_storage:
    backend: postgres
    connection: {host: localhost, port: 5432, database: bots_db, user: postgres, password: password}
    pool_size: 20
    max_overflow: 10
`)
	schemas := testSchemas(t)
	docs := make([]*Document, n)
	for i := range docs {
		docs[i] = yamlDoc(t, fmt.Sprintf(`
memory: {type: buffer, max_messages: %d}
prompts: {system: You are a customer support assistant.}
`, i+1))
	}
	kept := make([]*Effective, n)
	before := heap()
	for i := range kept {
		e, err := h.Tenant(t.Context(), fmt.Sprint("tenant-", i), Documents{Operator: docs[i]}, schemas)
		if err != nil {
			t.Fatal(err)
		}
		kept[i] = e
	}
	size := (int64(heap()) - int64(before)) / n
	t.Logf("an effective configuration takes %d bytes", size)
	if size > 1000 {
		t.Error("that is too much")
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(docs)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkTenant(b *testing.B) {
	h := loadHost(b, `
defaults:
  llm: {provider: ollama, model: "gemma3:1b", base_url: "http://localhost:11434", temperature: 0.5}
  conversation_storage:
    backend: postgres
    connection: {host: localhost, port: 5432, database: bots_db, user: postgres, password: password}
    pool_size: 20
`)
	doc := yamlDoc(b, `{memory: {type: buffer, max_messages: 3}, prompts: {system: You are a customer support assistant.}}`)
	schemas := testSchemas(b)
	for b.Loop() {
		if _, err := h.Tenant(b.Context(), "client-a", Documents{Operator: doc}, schemas); err != nil {
			b.Fatal(err)
		}
	}
}

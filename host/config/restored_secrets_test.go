package config

import (
	"reflect"
	"testing"
)

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

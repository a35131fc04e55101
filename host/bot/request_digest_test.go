package bot

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// fullRequests returns requests that together have a value in each field of a request, also in fields of
// messages that no caller can send. It needs several requests, because a part has one kind, and a medium
// has one source.
func fullRequests() (all []Request) {
	unknown := chat.Unknown{0xc0, 0x3e, 1} // field 1000 is 1
	part := func(p chat.Part) chat.Message {
		p.Unknown, p.State = unknown, &chat.ProviderState{Maker: "m", Data: []byte("s"), Unknown: unknown}
		return chat.Message{Role: chat.User, Parts: []chat.Part{p, {Text: "and"}}, Unknown: unknown}
	}
	citation := chat.Citation{Start: 1, End: 2, URL: "u", Document: "d", Title: "t", Quote: "q", Unknown: unknown}
	for _, media := range []chat.Media{{Data: []byte("data")}, {URL: "https://example.org"}, {Reference: "file"}} {
		media.Kind, media.MediaType, media.Name, media.Unknown = chat.Image, "image/png", "n", unknown
		all = append(all, Request{Messages: []chat.Message{part(chat.Part{Media: &media})}})
	}
	all = append(all, Request{
		ConversationID: "c", UserID: "u", Metadata: json.RawMessage(`{"a": 1}`), RetractFrom: 1, Prompt: "p",
		Messages: []chat.Message{
			part(chat.Part{Text: "t", Citations: []chat.Citation{citation, citation}}),
			part(chat.Part{Reasoning: &chat.Reasoning{Text: "r", Unknown: unknown}}),
			part(chat.Part{ToolCall: &chat.ToolCall{ID: "1", Name: "n", Arguments: "{}", Unknown: unknown}}),
			part(chat.Part{ToolResult: &chat.ToolResult{ToolCallID: "1", Name: "n", Parts: []chat.Part{{Text: "r"}}, IsError: true, Structured: []byte(`{}`), Unknown: unknown}}),
			part(chat.Part{Refusal: &chat.Refusal{Text: "no", Unknown: unknown}}),
			part(chat.Part{Other: &chat.Other{Type: "o", Data: []byte("d"), Unknown: unknown}}),
		},
		Tools: []llm.Tool{
			{Name: "n", Description: "d", Parameters: json.RawMessage(`{"type": "object"}`), Arguments: llm.ArgumentsText},
			{Name: "m"},
		},
		ToolChoice: llm.ToolChoice{Mode: llm.ToolNamed, Name: "n"},
	})
	return append(all, Request{ConversationID: "c", Message: "hi"}, Request{Message: "hi", Prompt: "p"}, Request{Message: "hi", Metadata: json.RawMessage(`{}`)},
		Request{Message: "hi", ToolChoice: llm.ToolChoice{Mode: llm.ToolNone}})
}

// TestRequest_digest checks that a request with the same idempotency key and a different value in one
// field has another digest, and that an equal request has the same digest. The test fails if a field of
// a request, of its messages or of its tools has no value in fullRequests.
func TestRequest_digest(t *testing.T) {
	changed := map[string]bool{} // fields, as TYPE.FIELD
	for i := range fullRequests() {
		r := &fullRequests()[i]
		want := r.digest()
		changeEach(reflect.ValueOf(r).Elem(), "request", changed, func(path string) {
			if slices.Equal(r.digest(), want) {
				t.Errorf("request %d: the digest does not depend on %s", i, path)
			}
		})
		if !slices.Equal(r.digest(), want) || !slices.Equal(fullRequests()[i].digest(), want) {
			t.Errorf("request %d: equal requests have different digests", i)
		}
		if r.IdempotencyKey = "k"; !slices.Equal(r.digest(), want) {
			t.Errorf("request %d: the digest depends on the key itself", i)
		}
	}
	changed["bot.Request.IdempotencyKey"] = true
	for _, field := range fieldsOf(reflect.TypeFor[Request](), map[reflect.Type]bool{}) {
		if !changed[field] {
			t.Errorf("no request of fullRequests has a value in %s", field)
		}
	}
	a := Request{ConversationID: "c", Message: "hi", Metadata: json.RawMessage(`{"a":1}`)}
	b := a
	if b.Metadata = json.RawMessage("{ \"a\" : 1 }\n"); !slices.Equal(a.digest(), b.digest()) {
		t.Error("blanks between the values of the metadata change the digest")
	}
}

// changeEach changes each value below v, one after another. It calls check while a value is changed, and
// then puts the old value back. It adds the fields of the changed values to changed.
func changeEach(v reflect.Value, path string, changed map[string]bool, check func(path string)) {
	set := func(to reflect.Value, what string) {
		old := reflect.ValueOf(v.Interface())
		v.Set(to)
		check(path + what)
		v.Set(old)
	}
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !v.Field(i).IsZero() {
				changed[fmt.Sprintf("%s.%s", v.Type(), f.Name)] = true
			}
			changeEach(v.Field(i), path+"."+f.Name, changed, check)
		}
	case v.IsZero():
	case v.Kind() == reflect.Pointer:
		changeEach(v.Elem(), path, changed, check)
	case v.Type() == reflect.TypeFor[json.RawMessage]():
		set(reflect.ValueOf(json.RawMessage(`{"b":2}`)), "")
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		other := slices.Clone(v.Bytes())
		other[len(other)-1]++
		set(reflect.ValueOf(other).Convert(v.Type()), "")
	case v.Kind() == reflect.Slice:
		n := v.Len()
		for i := range n {
			changeEach(v.Index(i), fmt.Sprintf("%s[%d]", path, i), changed, check)
		}
		set(v.Slice(0, n-1), " without its last")
		set(reflect.Append(v.Slice3(0, n, n), v.Index(n-1)), " with its last twice")
	case v.Kind() == reflect.String:
		set(reflect.ValueOf(v.String()+"x").Convert(v.Type()), "")
	case v.CanInt():
		set(reflect.ValueOf(v.Int()+1).Convert(v.Type()), "")
	case v.Kind() == reflect.Bool:
		set(reflect.ValueOf(!v.Bool()), "")
	default:
		panic(fmt.Sprintf("%s has a value of the kind %s, which changeEach cannot change", path, v.Kind()))
	}
}

// fieldsOf returns the fields of the struct type and of the struct types in it, as TYPE.FIELD.
func fieldsOf(of reflect.Type, seen map[reflect.Type]bool) (all []string) {
	switch {
	case seen[of]:
	case of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice:
		return fieldsOf(of.Elem(), seen)
	case of.Kind() == reflect.Struct:
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			all = append(append(all, fmt.Sprintf("%s.%s", of, f.Name)), fieldsOf(f.Type, seen)...)
		}
	}
	return all
}

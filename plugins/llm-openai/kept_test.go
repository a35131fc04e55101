package openaillm

import (
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3"
)

// TestChatReply_counts checks that the process counts what a reply keeps of the events before.
func TestChatReply_counts(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	const times = 4
	for name, delta := range map[string]func(i int) string{
		"citations": func(int) string { return `{"annotations":[{"type":"url_citation","url":"` + long + `"}]}` },
		"titles":    func(int) string { return `{"annotations":[{"type":"url_citation","url":"u","title":"` + long + `"}]}` },
		"details":   func(int) string { return `{"reasoning_details":[{"type":"t","text":"` + long + `"}]}` },
		"arguments": func(int) string { return `{"tool_calls":[{"index":0,"function":{"arguments":"` + long + `"}}]}` },
		"inputs": func(i int) string {
			return fmt.Sprintf(`{"tool_calls":[{"index":%d,"custom":{"name":"c","input":"%s"}},{"index":9}]}`, i, long)
		},
		"ids": func(i int) string { return fmt.Sprintf(`{"tool_calls":[{"index":%d,"id":"%s"}]}`, i, long) },
		"names": func(i int) string {
			return fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"name":"%s"}}]}`, i, long)
		},
		"extras": func(i int) string { return fmt.Sprintf(`{"tool_calls":[{"index":%d,"extra_content":"%s"}]}`, i, long) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(w *stream, _ *chatRequest) {
				for i := range times {
					w.events(`{"choices":[{"index":0,"delta":` + delta(i) + `}]}`)
				}
				w.text("now")
			}
			var used int64
			_, _ = s.model(nil).Chat(t.Context(), ask("Hi"), func(d llm.Delta) error { // a long id or name is refused later
				if d.Text == "now" {
					used = budget.Upstreams.Used()
				}
				return nil
			})
			if least := int64(times*len(long) - sdk.UpstreamFreeBytes); used < least {
				t.Errorf("%d bytes count; want %d at least", used, least)
			}
			if left := budget.Upstreams.Used(); left != 0 {
				t.Errorf("%d bytes count after the reply", left)
			}
		})
	}
}

// keeper returns a Kept, and a reply that uses it.
func keeper(t *testing.T) *reply {
	t.Helper()
	s := newServer(t)
	s.models = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }
	m := s.model(nil)
	resp, err := m.client.Do(t.Context(), &upstream.Request{Method: http.MethodGet, Path: "models"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(resp.Close)
	r := newReply(t.Context(), m, resp.Kept(), func(llm.Delta) error { return nil })
	return &r
}

func chunkOf(t *testing.T, delta string) *openai.ChatCompletionChunk {
	t.Helper()
	c := &openai.ChatCompletionChunk{}
	if err := c.UnmarshalJSON([]byte(`{"model":"m-1","choices":[{"index":0,"delta":` + delta + `}]}`)); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestChatReply_copies checks that a reply keeps copies of texts, and not the events that they are cut
// out of.
func TestChatReply_copies(t *testing.T) {
	c := chunkOf(t, `{"tool_calls":[{"index":0,"id":"call","extra_content":{"a":1},"function":{"name":"name","arguments":"{"}}]}`)
	c.Choices[0].FinishReason = "length"
	r := &chatReply{reply: *keeper(t)}
	d := &c.Choices[0].Delta.ToolCalls[0]
	if err := r.calls.take(&r.reply, d); err != nil {
		t.Fatal(err)
	}
	call := r.calls.list[0]
	id, extra := call.id, call.extra
	if err := r.take(c); err != nil {
		t.Fatal(err)
	}
	var made string
	for made = range r.ids {
	}
	for what, texts := range map[string][2]string{
		"id": {id, d.ID}, "name": {call.name, d.Function.Name}, "extra": {extra, d.JSON.ExtraFields["extra_content"].Raw()},
		"reason": {r.reason, c.Choices[0].FinishReason}, "model": {r.name, c.Model}, "id of a relayed call": {made, d.ID},
	} {
		if texts[0] != texts[1] || unsafe.StringData(texts[0]) == unsafe.StringData(texts[1]) {
			t.Errorf("%s: %q is no copy of %q", what, texts[0], texts[1])
		}
	}
}

// TestReply_texts checks that these tests know each field in which a reply keeps texts.
func TestReply_texts(t *testing.T) {
	for _, c := range []struct {
		of   reflect.Type
		want []string
	}{
		{reflect.TypeFor[chatReply](), []string{"reply.name", "reply.ids", "calls.list.id", "calls.list.name", "calls.list.arguments", "calls.list.extra",
			"field", "details.list", "cited", "reason"}},
		{reflect.TypeFor[responsesReply](), []string{"reply.name", "reply.ids", "status", "why"}},
	} {
		if got := textsIn(c.of, ""); !slices.Equal(got, c.want) {
			t.Errorf("%s keeps texts in %q; want %q. Keep a text by upstream.Kept or upstream.Beginning, test that, and add the field here", c.of, got, c.want)
		}
	}
}

// textsIn returns the fields of a type that have texts or bytes, as PATH of each field. It looks into the types
// of this package only.
func textsIn(of reflect.Type, path string) (all []string) {
	switch {
	case of == reflect.TypeFor[*Model](): // lives longer than a reply
	case of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice && of.Elem().Kind() != reflect.Uint8:
		return textsIn(of.Elem(), path)
	case of.Kind() == reflect.Map:
		return slices.Compact(append(textsIn(of.Key(), path), textsIn(of.Elem(), path)...))
	case of.Kind() == reflect.String, of.Kind() == reflect.Slice, of.Kind() == reflect.Interface && of.NumMethod() == 0,
		of == reflect.TypeFor[strings.Builder](), of == reflect.TypeFor[chat.Citation](), of == reflect.TypeFor[chat.Part]():
		return []string{path}
	case of.Kind() == reflect.Struct && of.PkgPath() == reflect.TypeFor[Model]().PkgPath():
		for i := range of.NumField() {
			f := of.Field(i)
			all = append(all, textsIn(f.Type, strings.TrimPrefix(path+"."+f.Name, "."))...)
		}
	}
	return all
}

// TestPendingCalls_linear checks that a call in many pieces is not copied or parsed anew with each piece.
func TestPendingCalls_linear(t *testing.T) {
	const pieces, size = 1000, 1 << 10
	for name, c := range map[string]struct {
		delta string
		text  bool // a text asks after each piece whether the calls are complete
	}{
		"arguments":              {`{"tool_calls":[{"index":0,"function":{"arguments":"%s"}}]}`, false},
		"the name with each":     {`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"%s"}}]}`, false},
		"texts between":          {`{"tool_calls":[{"index":0,"function":{"arguments":"%s"}}]}`, true},
		"a name that never ends": {`{"tool_calls":[{"index":0,"function":{"name":"%s"}},{"index":0,"function":{"name":"y"}}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &chatReply{reply: *keeper(t)}
			if err := r.take(chunkOf(t, `{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\":\""}}]}`)); err != nil {
				t.Fatal(err)
			}
			piece, text := chunkOf(t, fmt.Sprintf(c.delta, strings.Repeat("x", size))), chunkOf(t, `{"content":"x"}`)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range pieces {
				if err := r.take(piece); err != nil {
					t.Fatal(err)
				}
				if c.text {
					if err := r.take(text); err != nil {
						t.Fatal(err)
					}
				}
			}
			runtime.ReadMemStats(&after)
			if made := after.TotalAlloc - before.TotalAlloc; made > 40*pieces*size {
				t.Errorf("%d MiB are allocated for %d MiB", made>>20, pieces*size>>20)
			}
		})
	}
}

// TestPendingCall_isWhole checks that the question whether the arguments are complete parses them once at
// most.
func TestPendingCall_isWhole(t *testing.T) {
	r := &chatReply{reply: *keeper(t)}
	var calls []*pendingCall
	for i, arguments := range []string{`{\"a\":`, `{}`} {
		if err := r.take(chunkOf(t, fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"name":"f","arguments":"%s"}}]}`, i, arguments))); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, r.calls.list[i])
		_ = calls[i].isWhole()
	}
	// Whoever parses again sees the opposite.
	calls[0].arguments.Reset()
	calls[0].arguments.WriteString(`{}`)
	calls[1].arguments.WriteString(`x`)
	if calls[0].isWhole() || !calls[1].isWhole() {
		t.Errorf("the arguments are parsed again: %t %t", calls[0].isWhole(), calls[1].isWhole())
	}
}

// TestReasoningDetails_add checks that the details of a hostile server end nothing and have a bound.
func TestReasoningDetails_add(t *testing.T) {
	var d reasoningDetails
	for range 2 {
		if kept := d.add(`[{"type":{"a":1},"index":[1],"text":"x"}]`); kept == 0 {
			t.Error("the details are not kept")
		}
	}
	if len(d.list) != 2 {
		t.Errorf("%d details; want two that nothing joins", len(d.list))
	}
	if kept := d.add("[" + strings.Repeat("{},", maxDetails) + "{}]"); kept != 0 || d.json() != nil {
		t.Errorf("%d bytes of too many are kept", kept)
	}
	if kept := d.add(`[{"type":"a"}]`); kept != 0 || d.json() != nil {
		t.Errorf("%d bytes after too many are kept", kept)
	}
	d = reasoningDetails{}
	if kept := d.add(`[{"text":"` + strings.Repeat("x", maxDetailBytes) + `"}]`); kept != 0 || d.json() != nil {
		t.Errorf("%d bytes are kept", kept)
	}
}

package anthropic

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// TestReply_counts checks that the process counts what a reply keeps of the events before.
func TestReply_counts(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	const times = 4
	begin := func(form string) func(int) string {
		return func(i int) string { return blockBegin(i, fmt.Sprintf(form, long)) }
	}
	for name, event := range map[string]func(i int) string{
		"thinking":           func(int) string { return thinkingDelta(0, long) },
		"signatures":         func(int) string { return signatureDelta(0, long) },
		"signatures at once": begin(`{"type":"thinking","thinking":"","signature":%q}`),
		"redacted":           begin(`{"type":"redacted_thinking","data":%q}`),
		"ids":                begin(`{"type":"tool_use","id":%q,"name":"n","input":{}}`),
		"names":              begin(`{"type":"tool_use","id":"i","name":%q,"input":{}}`),
		"inputs":             begin(`{"type":"tool_use","id":"i","name":"n","input":{"a":%q}}`),
		"unknown blocks":     begin(`{"type":"new","a":%q}`),
		"unknown kinds":      begin(`{"type":%q}`),
		"arguments":          func(int) string { return inputDelta(0, long) },
		"citations":          func(int) string { return citationDelta(0, fmt.Sprintf(`{"cited_text":%q}`, long)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, _ *wireRequest) {
				stream(w, startEvent)
				for i := range times {
					sendEvent(w, event(i))
				}
				stream(w, blockBegin(9, `{"type":"text","text":"now"}`), stopEvent)
			}
			var used int64
			_, _ = s.open(nil).Chat(t.Context(), ask("Hi"), func(d llm.Delta) error { // what a block has at its end is not looked at
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

// TestReply_copies checks that a reply keeps copies of texts, and not the events that they are cut out of.
func TestReply_copies(t *testing.T) {
	s := newServer(t)
	m := s.open(nil)
	body, opts, err := m.message(ask("Hi"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := m.send(t.Context(), http.MethodPost, "v1/messages", body, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	r := newReply(t.Context(), m.maker, resp.Kept(), func(llm.Delta) error { return nil })
	begin := func(index int64, text string) *api.ContentBlockStartEventContentBlockUnion {
		var start api.ContentBlockStartEventContentBlockUnion
		if err := start.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := r.startBlock(index, &start); err != nil {
			t.Fatal(err)
		}
		return &start
	}
	call := begin(0, `{"type":"tool_use","id":"call","name":"name","input":{"a":1}}`)
	hidden := begin(1, `{"type":"redacted_thinking","data":"data"}`)
	other := begin(2, `{"type":"new","a":1}`)
	var cited api.RawContentBlockDeltaUnion
	if err := cited.UnmarshalJSON([]byte(`{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"url","title":"title","cited_text":"quote"}}`)); err != nil {
		t.Fatal(err)
	}
	if err := r.continueBlock(3, &cited); err != nil {
		t.Fatal(err)
	}
	end := api.MessageDeltaEventDelta{StopReason: "a_reason"}
	if err := r.takeStop(&end); err != nil {
		t.Fatal(err)
	}
	citation := r.blocks[3].citations[0]
	for what, texts := range map[string][2]string{
		"id": {r.blocks[0].id, call.ID}, "name": {r.blocks[0].name, call.Name}, "input": {r.blocks[0].input, call.JSON.Input.Raw()},
		"data": {r.blocks[1].data, hidden.Data}, "kind": {r.blocks[2].kind, other.Type}, "block": {r.blocks[2].raw, other.RawJSON()},
		"URL": {citation.URL, cited.Citation.URL}, "title": {citation.Title, cited.Citation.Title}, "quote": {citation.Quote, cited.Citation.CitedText},
		"stop": {string(r.stop), string(end.StopReason)},
	} {
		if texts[0] == "" || texts[0] != texts[1] || unsafe.StringData(texts[0]) == unsafe.StringData(texts[1]) {
			t.Errorf("%s: %q is no copy of %q", what, texts[0], texts[1])
		}
	}
}

// TestReply_texts checks that these tests know each field in which a reply keeps texts.
func TestReply_texts(t *testing.T) {
	want := []string{"maker", "blocks.kind", "blocks.raw", "blocks.text", "blocks.signature", "blocks.data", "blocks.id", "blocks.name", "blocks.input",
		"blocks.citations", "model", "stop", "usage"}
	if got := textsIn(reflect.TypeFor[reply](), ""); !slices.Equal(got, want) {
		t.Errorf("a reply keeps texts in %q; want %q. Keep a text by upstream.Kept or upstream.Beginning, test that, and add the field here", got, want)
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

// TestDescriptionOf checks that what is kept of a description is a copy.
func TestDescriptionOf(t *testing.T) {
	var info api.ModelInfo
	if err := info.UnmarshalJSON([]byte(`{"id":"m","capabilities":{"image_input":{"supported":true}}}`)); err != nil {
		t.Fatal(err)
	}
	if d := descriptionOf(&info); d.images == nil || !*d.images || d.images == &info.Capabilities.ImageInput.Supported || d.pdfs != nil {
		t.Errorf("%+v", d)
	}
}

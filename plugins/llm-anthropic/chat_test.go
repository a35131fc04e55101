package anthropic

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

func thinkingDelta(index int, text string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"thinking_delta","thinking":%q}}`, index, text)
}

func signatureDelta(index int, text string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"signature_delta","signature":%q}}`, index, text)
}

func citationDelta(index int, citation string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"citations_delta","citation":%s}}`, index, citation)
}

const textStart = `{"type":"text","text":""}`

// TestModel_Chat_replies checks the parts of replies, and the reasons for their ends.
func TestModel_Chat_replies(t *testing.T) {
	state := func(text string) *chat.ProviderState { return &chat.ProviderState{Data: []byte(text)} } // with the maker of the instance
	text := func(s string) chat.Part { return chat.Part{Text: s} }
	for name, c := range map[string]struct {
		events []string // between the start and the end of the message
		end    string   // if not the usual
		parts  []chat.Part
		reason llm.FinishReason
	}{
		"text": {
			events: []string{blockBegin(0, textStart), textDelta(0, "Hello"), `{"type":"ping"}`, textDelta(0, "!"), blockStop(0)},
			parts:  []chat.Part{text("Hello!")}, reason: llm.FinishStop,
		},
		"texts stay apart": {
			events: []string{blockBegin(0, textStart), textDelta(0, "a"), blockStop(0), blockBegin(1, `{"type":"text","text":"b"}`), textDelta(1, "c"), blockStop(1)},
			parts:  []chat.Part{text("a"), text("bc")}, reason: llm.FinishStop,
		},
		"tool calls at once": {
			events: []string{
				blockBegin(0, textStart), textDelta(0, "Well."), blockStop(0),
				blockBegin(1, `{"type":"tool_use","id":"toolu_1","name":"clock","input":{}}`), inputDelta(1, ""), inputDelta(1, `{"zone"`), inputDelta(1, `: "UTC"}`), blockStop(1),
				blockBegin(2, `{"type":"tool_use","id":"toolu_2","name":"plain","input":{},"caller":{"type":"direct"}}`), blockStop(2),
				blockBegin(3, `{"type":"tool_use","id":"toolu_3","name":"whole","input":{"a":1}}`), blockStop(3),
			},
			end:   end("tool_use", 9),
			parts: []chat.Part{text("Well."), call("toolu_1", "clock", `{"zone": "UTC"}`), call("toolu_2", "plain", "{}"), call("toolu_3", "whole", `{"a":1}`)}, reason: llm.FinishToolCalls,
		},
		"interleaved blocks": {
			events: []string{
				blockBegin(0, textStart), textDelta(0, "a"), blockBegin(1, `{"type":"tool_use","id":"toolu_1","name":"clock","input":{}}`), inputDelta(1, `{}`),
				textDelta(0, "b"), blockStop(1), blockStop(0),
			},
			end:   end("tool_use", 9),
			parts: []chat.Part{text("ab"), call("toolu_1", "clock", `{}`)}, reason: llm.FinishToolCalls,
		},
		"thinking": {
			events: []string{
				blockBegin(0, `{"type":"thinking","thinking":"","signature":""}`), thinkingDelta(0, "Let me"), thinkingDelta(0, " see."), signatureDelta(0, "c2ln"), blockStop(0),
				blockBegin(1, `{"type":"redacted_thinking","data":"ZGF0YQ=="}`), blockStop(1),
				blockBegin(2, `{"type":"thinking","thinking":"","signature":""}`), signatureDelta(2, "b21pdA=="), blockStop(2),
				blockBegin(3, textStart), textDelta(3, "42"), blockStop(3),
			},
			parts: []chat.Part{
				{Reasoning: &chat.Reasoning{Text: "Let me see."}, State: state(`{"type":"thinking","signature":"c2ln"}`)},
				{Reasoning: &chat.Reasoning{}, State: state(`{"type":"redacted_thinking","data":"ZGF0YQ=="}`)},
				{Reasoning: &chat.Reasoning{}, State: state(`{"type":"thinking","signature":"b21pdA=="}`)},
				text("42"),
			}, reason: llm.FinishStop,
		},
		"thinking with a character that is not kept": {
			events: []string{blockBegin(0, `{"type":"thinking","thinking":"","signature":""}`), `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"a\u0000b"}}`, signatureDelta(0, "s"), blockStop(0)},
			parts:  []chat.Part{{Reasoning: &chat.Reasoning{Text: "a\x00b"}, State: state(`{"type":"thinking","signature":"s","thinking":"a\u0000b"}`)}}, reason: llm.FinishStop,
		},
		"citations": {
			events: []string{
				blockBegin(0, `{"type":"text","text":"","citations":[]}`), textDelta(0, "Grass is green"),
				citationDelta(0, `{"type":"char_location","cited_text":"The grass is green.","document_index":0,"document_title":"Grass","file_id":"file_1","start_char_index":0,"end_char_index":20}`),
				citationDelta(0, `{"type":"web_search_result_location","cited_text":"Green!","url":"https://example.org","title":"Web","encrypted_index":"x"}`),
				citationDelta(0, `{"type":"search_result_location","cited_text":"So green","source":"kb/1","title":"KB","search_result_index":0,"start_block_index":0,"end_block_index":1}`), blockStop(0),
				blockBegin(1, textStart), textDelta(1, "."), blockStop(1),
			},
			parts: []chat.Part{{Text: "Grass is green", Citations: []chat.Citation{
				{Document: "file_1", Title: "Grass", Quote: "The grass is green."}, {URL: "https://example.org", Title: "Web", Quote: "Green!"}, {Document: "kb/1", Title: "KB", Quote: "So green"},
			}}, text(".")}, reason: llm.FinishStop,
		},
		"a block that the plugin does not know": {
			events: []string{
				blockBegin(0, `{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}`), inputDelta(0, `{"query":`), inputDelta(0, `"x"}`), blockStop(0),
				blockBegin(1, textStart), textDelta(1, "x"), blockStop(1),
			},
			parts: []chat.Part{
				{Other: &chat.Other{Type: "anthropic.server_tool_use", Data: []byte(`{"id":"srvtoolu_1","input":{"query":"x"},"name":"web_search","type":"server_tool_use"}`)}, State: state(`{"type":"block"}`)},
				text("x"),
			}, reason: llm.FinishStop,
		},
		"events and fields of a later version": {
			events: []string{
				`{"type":"weather","sky":{"blue":true}}`, `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","mood":"good"},"x":1}`,
				`{"type":"content_block_delta","index":0,"delta":{"type":"colour_delta","colour":"red"}}`, textDelta(0, "a"), blockStop(0), blockStop(7),
			},
			parts: []chat.Part{text("a")}, reason: llm.FinishStop,
		},
		"no beginning and no end of a block": {events: []string{textDelta(0, "a"), thinkingDelta(1, "b"), signatureDelta(1, "s")},
			parts: []chat.Part{text("a"), {Reasoning: &chat.Reasoning{Text: "b"}, State: state(`{"type":"thinking","signature":"s"}`)}}, reason: llm.FinishStop},
		"a stop text":      {events: []string{textDelta(0, "a"), blockStop(0)}, end: end("stop_sequence", 1), parts: []chat.Part{text("a")}, reason: llm.FinishStop},
		"all tokens":       {events: []string{textDelta(0, "a"), blockStop(0)}, end: end("max_tokens", 1), parts: []chat.Part{text("a")}, reason: llm.FinishLength},
		"a full context":   {events: []string{textDelta(0, "a"), blockStop(0)}, end: end("model_context_window_exceeded", 1), parts: []chat.Part{text("a")}, reason: llm.FinishLength},
		"a pause":          {events: []string{textDelta(0, "a"), blockStop(0)}, end: end("pause_turn", 1), parts: []chat.Part{text("a")}, reason: llm.FinishLength},
		"a reason to come": {events: []string{textDelta(0, "a"), blockStop(0)}, end: end("boredom", 1), parts: []chat.Part{text("a")}, reason: llm.FinishUnknown},
		"a cut call": {events: []string{blockBegin(0, `{"type":"tool_use","id":"t","name":"clock","input":{}}`), inputDelta(0, `{"zo`), blockStop(0)}, end: end("max_tokens", 1),
			parts: []chat.Part{call("t", "clock", `{"zo`)}, reason: llm.FinishLength},
		"a refusal": {events: []string{textDelta(0, "Sure, "), blockStop(0)},
			end:   `{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"This may do harm."}},"usage":{"output_tokens":5}}`,
			parts: []chat.Part{text("Sure, "), {Refusal: &chat.Refusal{Text: "This may do harm."}}}, reason: llm.FinishContentFilter},
		"a refusal without words": {end: end("refusal", 0), reason: llm.FinishContentFilter},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, _ *wireRequest) {
				stream(w, startEvent)
				stream(w, c.events...)
				if c.end == "" {
					c.end = end("end_turn", 15)
				}
				stream(w, c.end, stopEvent)
			}
			m := s.open(nil)
			got, finish, err := talk(t.Context(), m, ask("Hi"))
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.parts {
				if p := c.parts[i].State; p != nil {
					p.Maker = m.maker
				}
			}
			if len(got) != len(c.parts) || len(got) > 0 && !reflect.DeepEqual(got, c.parts) {
				t.Errorf("got %s\nwant %s", show(got), show(c.parts))
			}
			if finish.Reason != c.reason || finish.Model != testModel {
				t.Errorf("finish %+v, want %s", finish, c.reason)
			}
		})
	}
}

// show returns the parts as a text, with the values of their pointers.
func show(parts []chat.Part) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%s %q", p.Kind(), p.Text)
		for _, v := range []any{p.Reasoning, p.ToolCall, p.Refusal, p.Citations} {
			if !reflect.ValueOf(v).IsZero() {
				fmt.Fprintf(&b, " %+v", v)
			}
		}
		if p.Other != nil {
			fmt.Fprintf(&b, " %s %s", p.Other.Type, p.Other.Data)
		}
		if p.State != nil {
			fmt.Fprintf(&b, " %s %s", p.State.Maker, p.State.Data)
		}
		b.WriteString("; ")
	}
	return b.String()
}

// TestModel_Chat_givesBack checks that the next request has the blocks with provider states unchanged
// and in their order.
func TestModel_Chat_givesBack(t *testing.T) {
	s := newServer(t)
	s.reply = func(w http.ResponseWriter, _ *wireRequest) {
		stream(w, startEvent,
			blockBegin(0, `{"type":"thinking","thinking":"","signature":""}`), thinkingDelta(0, "Hm."), signatureDelta(0, "c2ln"), blockStop(0),
			blockBegin(1, `{"type":"redacted_thinking","data":"ZGF0YQ=="}`), blockStop(1),
			blockBegin(2, `{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q":"x"}}`), blockStop(2),
			blockBegin(3, `{"type":"thinking","thinking":"","signature":""}`), `{"type":"content_block_delta","index":3,"delta":{"type":"thinking_delta","thinking":"a\u0000b"}}`, signatureDelta(3, "bnVs"), blockStop(3),
			blockBegin(4, `{"type":"tool_use","id":"toolu_1","name":"clock","input":{}}`), blockStop(4),
			end("tool_use", 9), stopEvent)
	}
	m := s.open(nil)
	parts, _, err := talk(t.Context(), m, ask("Hi"))
	if err != nil {
		t.Fatal(err)
	}
	req := ask("Hi")
	// The host replaces characters that no storage keeps.
	req.Messages = append(req.Messages, message(chat.Assistant, parts...).Clean(), message(chat.Tool, result("toolu_1", chat.Part{Text: "noon"})))
	if _, _, err := talk(t.Context(), m, req); err != nil {
		t.Fatal(err)
	}
	const want = `{"max_tokens":8192,"model":"claude-sonnet-4-6","stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"assistant","content":[
		{"type":"thinking","thinking":"Hm.","signature":"c2ln"},{"type":"redacted_thinking","data":"ZGF0YQ=="},{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q":"x"}},
		{"type":"thinking","thinking":"a\u0000b","signature":"bnVs"},{"type":"tool_use","id":"toolu_1","name":"clock","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"noon"}]}]}]}`
	if !sameJSON(t, s.body(), []byte(want)) {
		t.Errorf("sent %s", s.body())
	}
}

// TestModel_Chat_usage checks the token counts of replies.
func TestModel_Chat_usage(t *testing.T) {
	start := func(usage string) string {
		return `{"type":"message_start","message":{"model":"m","usage":` + usage + `}}`
	}
	stop := func(usage string) string {
		return `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":` + usage + `}`
	}
	for name, c := range map[string]struct {
		start, end string
		want       chat.Usage
	}{
		"plain": {start(`{"input_tokens":25,"output_tokens":1}`), stop(`{"output_tokens":15}`), chat.Usage{InputTokens: 25, OutputTokens: 15}},
		"cached": {start(`{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":20,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}`),
			stop(`{"output_tokens":15,"output_tokens_details":{"thinking_tokens":7},"server_tool_use":{"web_search_requests":2,"web_fetch_requests":0}}`),
			chat.Usage{InputTokens: 130, OutputTokens: 15, CachedInputTokens: 100, CacheWriteTokens: 20, ReasoningTokens: 7,
				Details: map[string]int64{"cache_creation.ephemeral_5m_input_tokens": 20, "server_tool_use.web_search_requests": 2}}},
		"cumulative": {start(`{"input_tokens":10,"output_tokens":1}`), stop(`{"input_tokens":12,"cache_read_input_tokens":null,"output_tokens":15}`), chat.Usage{InputTokens: 12, OutputTokens: 15}},
		"nonsense": {start(`{"input_tokens":-5,"output_tokens":1e300,"iterations":[1],"a":"b"}`), stop(`{"output_tokens":3,"output_tokens_details":{"thinking_tokens":9}}`),
			chat.Usage{OutputTokens: 3, ReasoningTokens: 3}},
		"none": {start(`null`), stop(`null`), chat.Usage{OutputTokens: 4}}, // "Hello there", by its bytes
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, _ *wireRequest) {
				stream(w, c.start, textDelta(0, "Hello there"), blockStop(0), c.end, stopEvent)
			}
			_, finish, err := talk(t.Context(), s.open(nil), ask("Hi"))
			if err != nil || !finish.Usage.Equal(c.want) {
				t.Errorf("%+v, %v, want %+v", finish, err, c.want)
			}
		})
	}
}

// TestUsage_add_many checks that the plugin keeps a bounded number of counts, however many a server
// sends.
func TestUsage_add_many(t *testing.T) {
	u := usage{}
	for i := range 10 * maxCounts {
		u.add(fmt.Appendf(nil, `{"n%d":1,"deep":{"a":{"b":{"c":1}}},%q:1}`, i, strings.Repeat("x", 100)))
	}
	if len(u) != maxCounts || len(u.chat().Details) != chat.MaxUsageDetails {
		t.Errorf("%d counts, %d details", len(u), len(u.chat().Details))
	}
}

// TestModel_Chat_streams checks that a piece arrives before the server sends the next one.
func TestModel_Chat_streams(t *testing.T) {
	s := newServer(t)
	heard := make(chan struct{})
	s.reply = func(w http.ResponseWriter, _ *wireRequest) {
		stream(w, startEvent, textDelta(0, "a"))
		receive(t, heard, "the first piece does not arrive")
		stream(w, textDelta(0, "b"), blockStop(0), end("end_turn", 2), stopEvent)
	}
	n := 0
	_, err := s.open(nil).Chat(t.Context(), ask("Hi"), func(d llm.Delta) error {
		if n++; n == 1 {
			if d.Usage.InputTokens != 25 || d.Usage.OutputTokens == 0 {
				t.Errorf("usage so far %+v", d.Usage)
			}
			close(heard)
		}
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("%d pieces, %v", n, err)
	}
}

// TestModel_Chat_forms checks that the plugin reads unusual forms of a stream, such as one without
// names of events, one with other line ends, and a compressed one.
func TestModel_Chat_forms(t *testing.T) {
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	for _, e := range helloEvents {
		fmt.Fprintf(zip, "data: %s\n\n", e)
	}
	_ = zip.Close()
	for name, write := range map[string]func(http.ResponseWriter){
		"data only": func(w http.ResponseWriter) { fmt.Fprintf(w, "data: %s\n\n", strings.Join(helloEvents, "\n\ndata: ")) },
		"CR LF": func(w http.ResponseWriter) {
			fmt.Fprintf(w, ": hello\r\n\r\ndata:%s\r\n\r\n", strings.Join(helloEvents, "\r\n\r\ndata:"))
		},
		"no last line": func(w http.ResponseWriter) { fmt.Fprintf(w, "data: %s", strings.Join(helloEvents, "\n\ndata: ")) },
		"no last event": func(w http.ResponseWriter) {
			stream(w, helloEvents[:len(helloEvents)-1]...)
		},
		"gzip": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, _ *wireRequest) {
				w.Header().Set("Content-Type", eventStream)
				write(w)
			}
			got, finish, err := talk(t.Context(), s.open(nil), ask("Hi"))
			if err != nil || len(got) != 1 || got[0].Text != "Hello!" || finish.Reason != llm.FinishStop || finish.Usage.OutputTokens != 15 {
				t.Errorf("%+v %+v %v", got, finish, err)
			}
		})
	}
}

// TestModel_Chat_ends checks that the end of a call by its caller closes the stream, and that the call
// returns the usage so far.
func TestModel_Chat_ends(t *testing.T) {
	gone := errors.New("nobody listens")
	for name, c := range map[string]struct {
		emit func(cancel func()) error
		want func(error) bool
	}{
		"canceled":   {func(cancel func()) error { cancel(); return nil }, func(err error) bool { return fault.Is(err, fault.Canceled) }},
		"emit fails": {func(func()) error { return gone }, func(err error) bool { return err == gone }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, req *wireRequest) {
				stream(w, startEvent, textDelta(0, "Hello there"))
				receive(t, req.closed, "the stream goes on without its reader")
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			finish, err := s.open(nil).Chat(ctx, ask("Hi"), func(llm.Delta) error { return c.emit(cancel) })
			if !c.want(err) || finish == nil || finish.Usage.InputTokens != 25 || finish.Usage.OutputTokens != 4 {
				t.Errorf("%+v, %v", finish, err)
			}
		})
	}
}

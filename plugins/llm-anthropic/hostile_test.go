package anthropic

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// TestModel_Chat_endless checks that the plugin cuts a reply without end. It also checks that a call fails if
// the server streams without end and sends nothing of a reply.
//
// beyond: reply of an upstream
// beyond: nothing of an upstream
func TestModel_Chat_endless(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	for name, c := range map[string]struct {
		first  []string
		repeat func(i int) string
		cut    bool // the plugin cuts the reply; if false, the call fails
	}{
		"text":        {nil, func(int) string { return textDelta(0, long) }, true},
		"thinking":    {nil, func(int) string { return thinkingDelta(0, long) }, true},
		"arguments":   {[]string{blockBegin(0, `{"type":"tool_use","id":"t","name":"n","input":{}}`)}, func(int) string { return inputDelta(0, long) }, true},
		"a signature": {nil, func(int) string { return signatureDelta(0, long) }, true},
		"citations":   {nil, func(int) string { return citationDelta(0, fmt.Sprintf(`{"cited_text":%q}`, long)) }, true},
		"sources":     {nil, func(int) string { return citationDelta(0, fmt.Sprintf(`{"source":%q,"file_id":%q}`, long, long)) }, true},
		"signatures at once": {nil, func(int) string {
			return blockBegin(0, fmt.Sprintf(`{"type":"thinking","thinking":"","signature":%q}`, long))
		}, true},
		"short citations":     {[]string{textDelta(0, strings.Repeat(long, 96))}, func(int) string { return citationDelta(0, `{"source":"x"}`) }, true},
		"empty citations":     {nil, func(int) string { return citationDelta(0, `{}`) }, false},
		"an unknown block":    {[]string{blockBegin(0, `{"type":"new"}`)}, func(int) string { return inputDelta(0, long) }, true},
		"blocks":              {nil, func(i int) string { return blockBegin(i, `{"type":"text"}`) }, true},
		"blocks with data":    {nil, func(i int) string { return blockBegin(0, fmt.Sprintf(`{"type":"redacted_thinking","data":%q}`, long)) }, true},
		"pings":               {nil, func(int) string { return `{"type":"ping"}` }, false},
		"unknown events":      {nil, func(int) string { return `{"type":"new"}` }, false},
		"empty pieces":        {nil, func(int) string { return textDelta(0, "") }, false},
		"starts":              {nil, func(int) string { return startEvent }, false},
		"ends without a stop": {nil, func(int) string { return end("end_turn", 1) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.reply = func(w http.ResponseWriter, req *wireRequest) {
				stream(w, startEvent)
				stream(w, c.first...)
				for i := 0; ; i++ {
					select {
					case <-req.closed:
						return
					default:
						sendEvent(w, c.repeat(i))
					}
				}
			}
			var size int
			finish, err := s.open(nil).Chat(t.Context(), ask("Hi"), func(d llm.Delta) error { size += len(d.PieceText()); return nil })
			switch {
			case c.cut && (err != nil || finish.Reason != llm.FinishLength || size > sdk.MaxReplyBytes+len(long)):
				t.Errorf("%+v, %v after %d bytes; want the reply cut", finish, err, size)
			case !c.cut && !fault.Is(err, fault.ProviderFailed):
				t.Errorf("%+v, %v", finish, err)
			}
		})
	}
}

// TestModel_Chat_longError checks that the plugin reads and repeats only the beginning of a long error.
func TestModel_Chat_longError(t *testing.T) {
	s := newServer(t)
	s.reply = func(w http.ResponseWriter, req *wireRequest) {
		w.WriteHeader(http.StatusInternalServerError)
		for {
			select {
			case <-req.closed:
				return
			default:
				_, _ = w.Write([]byte(strings.Repeat("an error without end ", 1000)))
			}
		}
	}
	_, _, err := talk(t.Context(), s.open(nil), ask("Hi"))
	if !fault.Is(err, fault.ProviderFailed) || len(err.Error()) > 1000 {
		t.Error(err)
	}
}

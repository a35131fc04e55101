package bot

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestRequest_check(t *testing.T) {
	ok := Request{ConversationID: "c", Message: "hi"}
	for path, change := range map[string][]func(*Request){
		"conversation_id": {
			func(r *Request) { r.ConversationID = "" },
			// beyond: id
			func(r *Request) { r.ConversationID = strings.Repeat("x", MaxIDBytes+1) },
			func(r *Request) { r.ConversationID = "." },
			func(r *Request) { r.ConversationID = ".." },
			func(r *Request) { r.ConversationID = "a\xff" },
			func(r *Request) { r.ConversationID = "a\x00b" },
		},
		"message": {
			func(r *Request) { r.Message = "" },
			func(r *Request) { r.Message = strings.Repeat("x", 101) },
			func(r *Request) { r.Message = "\xc3\x28" },
			func(r *Request) { r.Message = "a\x00" },
		},
		"user_id":         {func(r *Request) { r.UserID = "\n" }},
		"Idempotency-Key": {func(r *Request) { r.IdempotencyKey = strings.Repeat("k", 300) }},
		"metadata": {
			func(r *Request) { r.Metadata = json.RawMessage(`[1]`) },
			func(r *Request) { r.Metadata = json.RawMessage(`null`) },
			func(r *Request) { r.Metadata = json.RawMessage("{\"a\":\"\xff\"}") },
			func(r *Request) {
				r.Metadata = json.RawMessage(`{"a":"` + strings.Repeat("x", MaxMetadataBytes) + `"}`)
			},
		},
	} {
		t.Run(path, func(t *testing.T) {
			for i, c := range change {
				s := &logStorage{}
				r := ok
				c(&r)
				_, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), r, nil)
				if e := wantClass(t, err, fault.Invalid); e.Path.String() != path {
					t.Errorf("%s %d: path %q", path, i, e.Path)
				}
				if len(s.begins) != 0 {
					t.Errorf("%s %d reached the storage", path, i)
				}
			}
		})
	}
}

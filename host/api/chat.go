package api

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk/chat"
)

// ChatReply is the answer to a chat, and the last event of a streamed one.
type ChatReply struct {
	ConversationID string `json:"conversation_id"`
	Turn           int64  `json:"turn"` // among the conversation's succeeded turns, from 1
	Reply          string `json:"reply"`
	// FinishReason says why the reply ended: stop, length, tool_calls, content_filter or
	// unknown, and others in time.
	FinishReason string      `json:"finish_reason"`
	Model        string      `json:"model,omitempty"` // as the provider names it
	Usage        chat.Usage  `json:"usage"`
	Timings      bot.Timings `json:"timings"`
	Bot          ChatBot     `json:"bot"`
}

// ChatBot says which bot replied.
type ChatBot struct {
	Tenant   string `json:"tenant"`
	Revision string `json:"revision"`
	Cached   bool   `json:"cached"` // it was ready when the request came
}

// bodyOverhead is what a chat's body may have beside the message.
const bodyOverhead = 64 << 10

// chatBodyLimit lets any message pass that the host's limit allows, however its
// sender escapes it: six bytes for one at worst. The limit itself is the bot's to
// check, since tenants may have a lower one.
func (s *Server) chatBodyLimit() int64 {
	return 6*int64(s.host.Settings().Limits.MessageBytes) + bodyOverhead
}

// chat knows the tenant before it reads the body.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) error {
	lease, err := s.lease(r)
	if err != nil {
		return err
	}
	defer lease.Release()
	req, streamed, err := s.chatRequest(w, r)
	if err != nil {
		return err
	}
	if x, ok := w.(*exchange); ok {
		x.reachedBot = true
	}
	if streamed {
		return s.stream(w, r, lease, req)
	}
	reply, err := lease.Chat(r.Context(), req, nil)
	if err != nil {
		return err
	}
	if reply.Replayed {
		w.Header().Set(replayedHeader, "true")
	}
	a := &answer{w: w, status: http.StatusOK, contentType: "application/json", stall: s.writeTimeout}
	a.end(newChatReply(reply, lease.Cached).write(a, "\n"))
	return nil
}

// write writes the reply as JSON, and the end after it. Its text is not copied.
func (r ChatReply) write(w io.Writer, end string) error {
	var long jsonstream.Shelf
	r.Reply = long.Put(r.Reply)
	err := long.Write(w, r)
	if err == nil {
		_, err = io.WriteString(w, end)
	}
	return err
}

// replayedHeader marks the reply of an earlier turn with the same key.
const replayedHeader = "Idempotency-Replayed"

// chatRequest reads the body. It also reports whether the caller wants the reply as a stream.
func (s *Server) chatRequest(w http.ResponseWriter, r *http.Request) (req bot.Request, streamed bool, err error) {
	req = bot.Request{IdempotencyKey: r.Header.Get("Idempotency-Key")}
	body, err := readBody(w, r, s.chatBodyLimit())
	if err != nil {
		return req, false, err
	}
	var metadata object
	err = decodeObject(body, map[string]any{
		"conversation_id": required{&req.ConversationID},
		"message":         required{&req.Message},
		"user_id":         &req.UserID,
		"metadata":        &metadata,
		"stream":          &streamed,
	})
	req.Metadata = json.RawMessage(metadata)
	if x, ok := w.(*exchange); ok {
		x.body.Shrink(int64(len(req.Message) + len(req.Metadata))) // the turn has them until it ends
	}
	return req, streamed, err
}

func newChatReply(r *bot.Reply, cached bool) ChatReply {
	return ChatReply{
		ConversationID: r.ConversationID, Turn: r.Turn, Reply: r.Text,
		FinishReason: r.FinishReason, Model: r.Model, Usage: r.Usage, Timings: r.Timings,
		Bot: ChatBot{Tenant: r.Tenant, Revision: r.Revision, Cached: cached},
	}
}

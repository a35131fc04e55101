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
	Turn           int64  `json:"turn"` // its place among the succeeded turns of the conversation, from 1
	Reply          string `json:"reply"`
	// FinishReason says why the reply ended: stop, length, tool_calls, content_filter or
	// unknown. Later versions may add others.
	FinishReason string      `json:"finish_reason"`
	Model        string      `json:"model,omitempty"` // the provider's name for it
	Usage        chat.Usage  `json:"usage"`
	Timings      bot.Timings `json:"timings"`
	Bot          ChatBot     `json:"bot"`
}

// ChatBot names the bot that replied.
type ChatBot struct {
	Tenant   string `json:"tenant"`
	Revision string `json:"revision"`
	Cached   bool   `json:"cached"` // the bot was in the cache when the request came
}

// bodyOverhead is how many bytes a chat's body may have beside the message.
const bodyOverhead = 64 << 10

// maxChatBody returns the limit of a chat's body. Every message that the host's limit
// allows fits, however it is escaped; escaping can make six bytes of one. The bot checks
// the length of the message itself, since tenants may have lower limits.
func (s *Server) maxChatBody() int64 {
	return 6*int64(s.host.Settings().Limits.MessageBytes) + bodyOverhead
}

// chat runs a turn. It acquires the tenant's bot before it reads the body.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) error {
	lease, err := s.acquireBot(r)
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
	a := &response{w: w, status: http.StatusOK, contentType: "application/json", stall: s.writeTimeout}
	a.end(newChatReply(reply, lease.Cached).write(a, "\n"))
	return nil
}

// write writes the reply as JSON, followed by end. The text of the reply is not copied.
func (r ChatReply) write(w io.Writer, end string) error {
	var long jsonstream.LongTexts
	r.Reply = long.Replace(r.Reply)
	err := long.Write(w, r)
	if err == nil {
		_, err = io.WriteString(w, end)
	}
	return err
}

// replayedHeader marks a reply that belongs to an earlier turn with the same idempotency
// key.
const replayedHeader = "Idempotency-Replayed"

// chatRequest reads the body and the headers of a chat. It also reports whether the caller
// wants the reply as a stream.
func (s *Server) chatRequest(w http.ResponseWriter, r *http.Request) (req bot.Request, streamed bool, err error) {
	req = bot.Request{IdempotencyKey: r.Header.Get("Idempotency-Key")}
	body, err := readBody(w, r, s.maxChatBody())
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
		x.body.Shrink(int64(len(req.Message) + len(req.Metadata))) // from here on the message and the metadata count alone: the turn keeps them until it ends
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

package api

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/go-json-experiment/json/jsontext"
)

// ChatReply is the response body of a chat, and the data of the last event of a streamed chat.
type ChatReply struct {
	ConversationID string `json:"conversation_id"`
	Turn           int64  `json:"turn"` // the number of the turn among the succeeded turns of the conversation, from 1
	Reply          string `json:"reply"`
	// ToolCalls are the calls of tools that the client runs. The next chat brings their results.
	ToolCalls []chat.ToolCall `json:"tool_calls,omitempty"`
	// FinishReason says why the reply ended: stop, length, tool_calls, content_filter or unknown.
	// Later versions may add further reasons.
	FinishReason string      `json:"finish_reason"`
	Model        string      `json:"model,omitempty"` // the provider's name of the model
	Usage        chat.Usage  `json:"usage"`
	Timings      bot.Timings `json:"timings"`
	Bot          ChatBot     `json:"bot"`
}

// ChatBot names the bot that replied.
type ChatBot struct {
	Tenant   string `json:"tenant"`
	Revision string `json:"revision"`
	Cached   bool   `json:"cached"` // whether the bot cache had the bot when the request came
}

// bodyOverhead is how many bytes the body of a chat may have in addition to the message.
const bodyOverhead = 64 << 10

// maxChatBody returns the maximum size of a chat's body in bytes. Every message within the host's
// limit fits, because a JSON escape has at most six bytes for one byte of the message. The bot
// checks the length of the message, because a tenant may have a lower limit than the host.
func (s *Server) maxChatBody() int64 {
	return max(6*int64(s.host.Settings().Limits.MessageBytes)+bodyOverhead, bounds.ChatBodyBytes)
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

// write writes the reply as JSON, followed by the text end. It does not copy the text of the reply.
func (r ChatReply) write(w io.Writer, end string) error {
	var long jsonstream.LongTexts
	r.Reply = long.Replace(r.Reply)
	err := long.Write(w, r)
	if err == nil {
		_, err = io.WriteString(w, end)
	}
	return err
}

// replayedHeader is the header of a response with the reply of an earlier turn that had the same
// idempotency key.
const replayedHeader = "Idempotency-Replayed"

// chatRequest reads the body and the headers of a chat. It also reports whether the caller requests
// the reply as a stream.
func (s *Server) chatRequest(w http.ResponseWriter, r *http.Request) (req bot.Request, streamed bool, err error) {
	req = bot.Request{IdempotencyKey: r.Header.Get("Idempotency-Key")}
	body, err := readBody(w, r, s.maxChatBody())
	if err != nil {
		return req, false, err
	}
	var metadata object
	var messages, tools, choice jsontext.Value
	var retractFrom *int64
	err = decodeObject(body, map[string]any{
		"conversation_id": required{&req.ConversationID},
		"message":         required{&req.Message},
		"messages":        &messages,
		"user_id":         &req.UserID,
		"prompt":          &req.Prompt,
		"metadata":        &metadata,
		"tools":           &tools,
		"tool_choice":     &choice,
		"retract_from":    &retractFrom,
		"stream":          &streamed,
	})
	req.Metadata = json.RawMessage(metadata)
	if err == nil && retractFrom != nil {
		if req.RetractFrom = *retractFrom; req.RetractFrom < 1 {
			err = fault.New(fault.Invalid, "is %d; expected the number of a turn, from 1", req.RetractFrom).At("retract_from")
		}
	}
	if err == nil {
		req.Messages, err = decodeMessages(messages)
	}
	if err == nil {
		req.Tools, err = decodeTools(tools)
	}
	if err == nil {
		req.ToolChoice, err = decodeToolChoice(choice)
	}
	if x, ok := w.(*exchange); ok {
		// Until the turn ends, it holds the messages, the metadata and the tools in memory. The other
		// bytes of the body are freed.
		x.body.Shrink(min(int64(len(body)), int64(req.Size())))
	}
	return req, streamed, err
}

func newChatReply(r *bot.Reply, cached bool) ChatReply {
	return ChatReply{
		ConversationID: r.ConversationID, Turn: r.Turn, Reply: r.Text, ToolCalls: r.ToolCalls,
		FinishReason: r.FinishReason, Model: r.Model, Usage: r.Usage, Timings: r.Timings,
		Bot: ChatBot{Tenant: r.Tenant, Revision: r.Revision, Cached: cached},
	}
}

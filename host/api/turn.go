package api

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/chat"
)

// Turn is one turn of a conversation, in any state.
type Turn struct {
	Sequence       int64           `json:"sequence"` // the number of the turn among all turns of the conversation, from 1
	Turn           *int64          `json:"turn"`     // the number of the turn among the succeeded turns, from 1; null if the turn has not succeeded
	State          string          `json:"state"`    // running, succeeded, failed or interrupted
	Reason         string          `json:"reason"`   // why the turn did not succeed: "CLASS: sentence"
	UserID         string          `json:"user_id"`
	IdempotencyKey string          `json:"idempotency_key"`
	Messages       []Message       `json:"messages"`
	Usage          chat.Usage      `json:"usage"`
	Metadata       json.RawMessage `json:"metadata"` // the metadata of the chat request, unchanged, or null
	Record         json.RawMessage `json:"record"`   // the record of the turn: revision, plugins, model, timings; or null
	// RetractFrom is retract_from of the chat request. Retracted says that a later turn has retracted this one.
	RetractFrom int64   `json:"retract_from,omitempty"`
	Retracted   bool    `json:"retracted,omitempty"`
	StartedAt   *string `json:"started_at"`
	EndedAt     *string `json:"ended_at"` // null while the turn runs
}

// Turns is the response body of GET /api/v1/conversations/{id}/turns: one page, oldest first. Next
// is the parameter "after" of the next page, or null on the last page.
type Turns struct {
	ID    string  `json:"id"`
	Turns []Turn  `json:"turns"`
	Next  *string `json:"next"`
}

func (s *Server) readTurns(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	limit, err := q.limit()
	if err != nil {
		return err
	}
	var after int64
	if text := q.text("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return malformed("after", "is %q; expected the next of an earlier page", clip(text))
		}
	}
	user, err := q.id("user_id")
	if err != nil {
		return err
	}
	all, err := q.flag("all")
	if err != nil {
		return err
	}
	lease, err := s.acquireBot(r)
	if err != nil {
		return err
	}
	defer lease.Release()
	id := r.PathValue("id")
	share, err := holdPage(w, r, pageBytes(lease.Limits, limit))
	if err != nil {
		return err
	}
	defer share.Release()
	page, err := lease.Turns(r.Context(), bot.TurnsRequest{User: user, Conversation: id, After: after, Limit: limit, All: true})
	if err != nil {
		return err
	}
	lease.Release() // writing to a slow reader must not occupy the bot
	var next *string
	if n := len(page.Turns); page.More && n > 0 {
		text := strconv.FormatInt(page.Turns[n-1].Sequence, 10)
		next = &text
	}
	if !all {
		page.Turns = slices.DeleteFunc(page.Turns, func(t bot.Turn) bool { return t.Retracted })
	}
	left := sizeFrom(len(page.Turns), func(i int) int { return page.Turns[i].Size() })
	if err := resize(share, left(0)); err != nil {
		return err
	}
	out := Turns{ID: id, Turns: []Turn{}, Next: next}
	return writeList(w, out, elements{name: "turns", size: len(page.Turns), bytes: left, write: func(i int, to io.Writer) error {
		turn := bot.ForCallers(page.Turns[i])
		page.Turns[i] = bot.Turn{} // frees the memory of a turn that is never written again
		return newTurn(&turn).write(to)
	}}, share)
}

func newTurn(t *bot.Turn) Turn {
	out := Turn{
		Sequence: t.Sequence, State: t.State.String(), Reason: t.Reason, UserID: t.User, IdempotencyKey: t.Key,
		Messages: []Message{}, Usage: t.Usage, Metadata: rawOrNull(t.Metadata), Record: rawOrNull(t.Record),
		RetractFrom: t.RetractFrom, Retracted: t.Retracted,
		StartedAt: timestamp(t.StartedAt), EndedAt: timestamp(t.EndedAt),
	}
	if t.Number > 0 {
		out.Turn = &t.Number
	}
	for i := range t.Messages {
		out.Messages = append(out.Messages, newMessage(t, i))
	}
	return out
}

// rawOrNull returns raw, or the JSON null if raw is empty, because an empty text is not valid JSON.
func rawOrNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

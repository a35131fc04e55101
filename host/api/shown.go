package api

import (
	"io"
	"net/http"
	"strconv"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// Shown answers GET
// /admin/v1/tenants/{id}/conversations/{conversation}/turns/{turn}: a turn and,
// with compose=true, what the model saw in it.
type Shown struct {
	Turn Turn `json:"turn"`
	// Seen is what the model was given, rebuilt: system prompt first. Gaps says what
	// left no trace and is missing from it.
	Seen []Message `json:"seen,omitempty"`
	Gaps []string  `json:"gaps,omitempty"`
}

// showTurn is an admin's: it shows the tenant's system prompt.
func (s *Server) showTurn(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	compose, err := q.flag("compose")
	if err != nil {
		return err
	}
	bySequence := false
	switch by := q.text("by"); by {
	case "", "number":
	case "sequence":
		bySequence = true
	default:
		return malformed("by", "is %q; expected number or sequence", clip(by))
	}
	n, err := strconv.ParseInt(r.PathValue("turn"), 10, 64)
	if err != nil || n < 1 {
		return malformed("turn", "is %q; expected a number from 1", clip(r.PathValue("turn")))
	}
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	lease, err := s.host.Registry().Acquire(r.Context(), id)
	if err != nil {
		return err
	}
	defer lease.Release()
	bytes := turnBytes(lease.Limits)
	if compose {
		bytes += sdk.MaxTailBytes
	}
	share, err := holdPage(w, r, bytes)
	if err != nil {
		return err
	}
	defer share.Release()
	conversation := r.PathValue("conversation")
	find := lease.TurnByNumber
	if bySequence {
		find = lease.TurnBySequence
	}
	turn, err := find(r.Context(), conversation, n)
	if err != nil {
		return err
	}
	shown := &bot.Inspection{Turn: *turn}
	if compose {
		if shown, err = lease.Inspect(r.Context(), conversation, turn); err != nil {
			return err
		}
	}
	lease.Release()
	if err := resize(share, int64(shown.Turn.Size()+chat.Size(shown.Seen))); err != nil {
		return err
	}
	out := Shown{Turn: newTurn(&shown.Turn), Gaps: shown.Gaps}
	seen := &storage.Turn{Messages: shown.Seen}
	for i := range shown.Seen {
		m := newMessage(seen, i)
		m.ID = "" // they are rebuilt, and have no place in the log
		out.Seen = append(out.Seen, m)
	}
	var long jsonstream.Shelf
	out.Turn.Messages, out.Seen = shelve(out.Turn.Messages, &long), shelve(out.Seen, &long)
	a := &answer{w: w, status: http.StatusOK, contentType: "application/json", stall: stallOf(w)}
	err = long.Write(a, out)
	if err == nil {
		_, err = io.WriteString(a, "\n")
	}
	a.end(err)
	return nil
}

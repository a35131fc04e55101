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

// InspectedTurn answers GET
// /admin/v1/tenants/{id}/conversations/{conversation}/turns/{turn}: a turn and, with
// compose=true, what the model was given in it.
type InspectedTurn struct {
	Turn Turn `json:"turn"`
	// ModelInput are the messages that the model was given, the system prompt first. They are
	// rebuilt from the stored turns. Gaps says what was not stored and is therefore missing.
	ModelInput []Message `json:"model_input,omitempty"`
	Gaps       []string  `json:"gaps,omitempty"`
}

// inspectTurn is for the operator alone: it shows the tenant's system prompt.
func (s *Server) inspectTurn(w http.ResponseWriter, r *http.Request) error {
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
	out := InspectedTurn{Turn: newTurn(&shown.Turn), Gaps: shown.Gaps}
	seen := &storage.Turn{Messages: shown.Seen}
	for i := range shown.Seen {
		m := newMessage(seen, i)
		m.ID = "" // it is rebuilt, and has no place in the log
		out.ModelInput = append(out.ModelInput, m)
	}
	var long jsonstream.LongTexts
	out.Turn.Messages, out.ModelInput = replaceLongTexts(out.Turn.Messages, &long), replaceLongTexts(out.ModelInput, &long)
	a := &response{w: w, status: http.StatusOK, contentType: "application/json", stall: stallOf(w)}
	err = long.Write(a, out)
	if err == nil {
		_, err = io.WriteString(a, "\n")
	}
	a.end(err)
	return nil
}

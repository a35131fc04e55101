package api

import (
	"io"
	"net/http"
	"strconv"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// InspectedTurn is the response body of GET
// /admin/v1/tenants/{id}/conversations/{conversation}/turns/{turn}. It is a turn and, with
// compose=true, the messages that the model got in the turn.
type InspectedTurn struct {
	Turn Turn `json:"turn"`
	// ModelInput has the messages that the model got, the system prompt first. The host rebuilds
	// them from the stored turns. Gaps lists the messages that are missing because they were not
	// stored.
	ModelInput []Message `json:"model_input,omitempty"`
	Gaps       []string  `json:"gaps,omitempty"`
	// Notes says which stored messages and parts the host left out or changed for the model, and why.
	Notes []string `json:"notes,omitempty"`
}

// inspectTurn responds with an InspectedTurn. Only the operator may use it, because it shows the
// tenant's system prompt.
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
	out := InspectedTurn{Turn: newTurn(&shown.Turn), Gaps: shown.Gaps, Notes: shown.Notes}
	seen := &bot.Turn{Messages: shown.Seen}
	for i := range shown.Seen {
		m := newMessage(seen, i)
		m.ID = "" // a rebuilt message has no place in the conversation
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

package api

import (
	"net/http"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/fault"
)

// Branch is the response body of POST /api/v1/conversations/{id}/branches.
type Branch struct {
	ConversationID string `json:"conversation_id"` // the new conversation
	Turns          int64  `json:"turns"`           // how many turns it begins with
	BranchOf       string `json:"branch_of"`
	BranchAt       int64  `json:"branch_at"` // the number in branch_of of the last copied turn; 0 for none
}

// branchConversation copies the beginning of a conversation into a new one.
func (s *Server) branchConversation(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, maxSmallBody)
	if err != nil {
		return err
	}
	req := bot.BranchRequest{Source: r.PathValue("id")}
	var through *int64
	err = decodeObject(body, map[string]any{
		"conversation_id": required{&req.ConversationID}, "through": &through, "user_id": &req.UserID,
	})
	if err != nil {
		return err
	}
	if through != nil {
		if req.Through = *through; req.Through < 1 {
			return fault.New(fault.Invalid, "is %d; expected the number of a turn, from 1", req.Through).At("through")
		}
	}
	lease, err := s.acquireBot(r)
	if err != nil {
		return err
	}
	defer lease.Release()
	made, err := lease.Branch(r.Context(), req)
	if err != nil {
		return err
	}
	return writeJSON(w, r, http.StatusOK, Branch{
		ConversationID: req.ConversationID, Turns: made.Turns, BranchOf: req.Source, BranchAt: made.Through,
	})
}

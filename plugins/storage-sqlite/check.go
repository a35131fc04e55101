package sqlitestore

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func checkBegin(req *storage.BeginRequest) error {
	switch {
	case req.Tail < 0:
		return fault.New(fault.Invalid, "a tail cannot be negative").At("tail")
	case req.Holder == "":
		return fault.New(fault.Invalid, "a turn needs a holder").At("holder")
	case req.Lease <= 0:
		return fault.New(fault.Invalid, "a lease must be longer than nothing").At("lease")
	}
	if err := checkConversation(req.Call); err != nil {
		return err
	}
	if err := texts("holder", req.Holder, "key", req.Key, "attempt", req.Attempt, "metadata", string(req.Metadata)); err != nil {
		return err
	}
	return plainMessages("message", req.Message)
}

func checkCommit(req *storage.CommitRequest) error {
	switch req.State {
	case storage.Succeeded:
		if len(req.Messages) == 0 {
			return fault.New(fault.Invalid, "a turn that succeeded has a reply").At("messages")
		}
	case storage.Failed, storage.Interrupted:
	case storage.Running:
		return fault.New(fault.Invalid, "a commit ends the turn").At("state")
	default:
		return fault.New(fault.Invalid, "%d is no state of a turn", req.State).At("state")
	}
	if err := checkConversation(req.Call); err != nil {
		return err
	}
	if err := texts("reason", req.Reason, "record", string(req.Record)); err != nil {
		return err
	}
	return plainMessages("messages", req.Messages...)
}

func checkConversation(call sdk.Call) error {
	if call.Conversation == "" {
		return fault.New(fault.Invalid, "the call names no conversation").At("conversation")
	}
	return checkTenant(call)
}

func checkTenant(call sdk.Call) error {
	if call.Tenant == "" {
		return fault.New(fault.Invalid, "the call names no tenant").At("tenant")
	}
	return texts("tenant", call.Tenant, "incarnation", call.Incarnation, "conversation", call.Conversation, "user", call.User)
}

func checkLimit(limit int) error {
	if limit < 1 || limit > storage.MaxPage {
		return fault.New(fault.Invalid, "a page has 1 to %d entries", storage.MaxPage).At("limit")
	}
	return nil
}

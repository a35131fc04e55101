package main

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// foreign is a storage that answers each call with something of others, which has "theirs" in
// all its texts. A conversation id chooses the answer of Begin and Read.
type foreign struct{}

var (
	_ storage.Storage     = foreign{}
	_ storage.TenantStore = foreign{}
)

// foreignPlugin returns the storage foreign as the plugin with the name.
func foreignPlugin(name string) sdk.Plugin {
	return storage.NewPlugin(name, "0-foreign", func(context.Context, struct{}, sdk.Env) (foreign, error) { return foreign{}, nil })
}

func (foreign) Begin(_ context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	theirs := &storage.Turn{Sequence: 7, Number: 7, State: storage.Succeeded, User: "theirs", Key: "theirs"}
	switch req.Call.Conversation {
	case "replay":
		return &storage.BeginResult{Replay: theirs}, nil
	case "reuse":
		return &storage.BeginResult{KeyReused: true}, nil
	case "tail":
		return &storage.BeginResult{Started: &storage.Started{Sequence: 2, Fence: "theirs", Incarnation: "i", Tail: []storage.Turn{*theirs}}}, nil
	}
	return &storage.BeginResult{Started: &storage.Started{Sequence: 1, Incarnation: "i"}}, nil
}

func (foreign) Commit(context.Context, *storage.CommitRequest) (int64, error) {
	return 0, fault.New(fault.Conflict, "no such turn")
}

func (foreign) Read(_ context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	turn := storage.Turn{Sequence: req.After, Number: 1, State: storage.Succeeded, User: "theirs"}
	switch req.Call.Conversation {
	case "failed":
		turn.Sequence, turn.State, turn.Reason = req.After+1, storage.Failed, "theirs"
	case "more":
		turn.Sequence = req.After + 1
		return &storage.TurnPage{Turns: []storage.Turn{turn, {Sequence: req.After + 2, Number: 2, State: storage.Succeeded}}}, nil
	}
	return &storage.TurnPage{Turns: []storage.Turn{turn}}, nil
}

func (foreign) List(_ context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	if req.Call.User == "" {
		return &storage.ConversationPage{Conversations: []storage.Conversation{{ID: req.After, User: "theirs"}}}, nil
	}
	return &storage.ConversationPage{Conversations: []storage.Conversation{{ID: "theirs", User: "theirs"}}}, nil
}

func (foreign) Delete(context.Context, storage.Scope) (storage.Deleted, error) {
	return storage.Deleted{}, nil
}

// theirs is the registration that foreign returns.
var theirs = storage.Registration{Tenant: "a-theirs", Version: 1, Position: 1, State: storage.TenantActive, Document: []byte("theirs")}

func (foreign) PutTenant(context.Context, *storage.PutTenantRequest) (*storage.Registration, error) {
	return &theirs, nil
}

func (foreign) GetTenants(context.Context, []string) ([]storage.Registration, error) {
	return []storage.Registration{theirs}, nil
}

func (foreign) ListTenants(context.Context, string, int) (*storage.RegistrationPage, error) {
	return &storage.RegistrationPage{Registrations: []storage.Registration{theirs}}, nil
}

func (foreign) TenantHistory(context.Context, string, int64, int) (*storage.RegistrationPage, error) {
	return &storage.RegistrationPage{Registrations: []storage.Registration{theirs}}, nil
}

func (foreign) TenantChanges(_ context.Context, after int64, _ int) (*storage.TenantChangePage, error) {
	return &storage.TenantChangePage{Changes: []storage.TenantChange{{Position: after, Tenant: "theirs", Version: 1}}, Head: after}, nil
}

package storagetest

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var boundsRules = []Rule{{
	Name:  "bounds",
	Doc:   "Requests that are out of bounds or name too little are invalid and change nothing.",
	Check: checkBounds,
}}

func checkBounds(ctx context.Context, env *Env) error {
	c := env.talk("c")
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	s, err := c.start(ctx, "two")
	if err != nil {
		return err
	}
	var wrong []error
	invalid := func(what string, err error) {
		wrong = append(wrong, refused(what, fault.Invalid, err))
	}
	for what, limit := range map[string]int{"limit 0": 0, "limit -1": -1, "limit 1001": storage.MaxPage + 1} {
		_, err := env.Storage.Read(ctx, &storage.ReadRequest{Call: c.call, Limit: limit})
		invalid("read with "+what, err)
		_, err = env.Storage.List(ctx, &storage.ListRequest{Call: c.tenant(), Limit: limit})
		invalid("list with "+what, err)
	}
	for what, set := range map[string]func(*storage.BeginRequest){
		"a negative tail":   tail(-1),
		"a tail of -1 byte": tailBytes(-1),
		"no lease":          lease(0),
		"a negative lease":  lease(-longLease),
		"no messages":       func(r *storage.BeginRequest) { r.Messages = nil },
		"too many messages": func(r *storage.BeginRequest) { r.Messages = make([]storage.Message, sdk.MaxBeginMessages+1) },
		"no holder":         func(r *storage.BeginRequest) { r.Holder = "" },
		"no tenant":         func(r *storage.BeginRequest) { r.Call.Tenant = "" },
		"no conversation":   func(r *storage.BeginRequest) { r.Call.Conversation = "" },
	} {
		_, err := env.talk("d").begin(ctx, "x", set)
		invalid("begin with "+what, err)
	}
	for what, set := range map[string]func(*storage.CommitRequest){
		"state running":      func(r *storage.CommitRequest) { r.State = storage.Running },
		"no state":           func(r *storage.CommitRequest) { r.State = 0 },
		"no tenant":          func(r *storage.CommitRequest) { r.Call.Tenant = "" },
		"no conversation":    func(r *storage.CommitRequest) { r.Call.Conversation = "" },
		"success, but empty": func(r *storage.CommitRequest) { r.Messages = nil },
	} {
		req := &storage.CommitRequest{
			Call: c.call, Fence: s.Fence, State: storage.Succeeded, Messages: []storage.Message{reply("two")},
		}
		set(req)
		_, err := env.Storage.Commit(ctx, req)
		invalid("commit with "+what, err)
	}
	nowhere := c.call
	nowhere.Tenant = ""
	_, err = env.Storage.Read(ctx, &storage.ReadRequest{Call: nowhere, Limit: 1})
	invalid("read with no tenant", err)
	_, err = env.Storage.Read(ctx, &storage.ReadRequest{Call: c.user(), Limit: 1})
	invalid("read with no conversation", err)
	_, err = env.Storage.List(ctx, &storage.ListRequest{Call: nowhere, Limit: 1})
	invalid("list with no tenant", err)
	_, err = env.Storage.Delete(ctx, storage.Scope{Call: nowhere, Tenant: true})
	invalid("delete with no tenant", err)

	log, err := c.log(ctx, everyTurn)
	if err != nil || len(log) != 2 || log[1].State != storage.Running {
		wrong = append(wrong, errors.New("a refused request changed the conversation"), err)
	}
	all, err := env.list(ctx, c.tenant(), 10)
	wrong = append(wrong, err, same("the list after refused requests", ids(all), []string{c.call.Conversation}))
	return errors.Join(wrong...)
}

package archive

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Retained counts what one look for what is too old deleted.
type Retained struct {
	Tenants       int // that have retention_days
	Conversations int64
	Turns         int64
	Failed        int // tenants that could not be looked through
}

// Run deletes, some time after the start and then every hour, what tenants do not keep
// any longer, until ctx ends. Any number of hosts may do so.
func (a *Archive) Run(ctx context.Context) {
	t := a.o.timing
	wait := t.first + rand.N(t.first/2+1)
	for rest(ctx, wait) == nil {
		done, err := a.Retain(ctx)
		log := a.o.Log.Debug
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.o.Log.Warn("old conversations could not be looked for", "error", err)
		case done.Conversations > 0 || done.Failed > 0:
			log = a.o.Log.Info
		}
		log("old conversations are deleted", "conversations", done.Conversations, "turns", done.Turns,
			"tenants", done.Tenants, "failed", done.Failed)
		wait = t.every*9/10 + rand.N(t.every/5+1)
	}
}

// Retain deletes the conversations whose last change is longer ago than their tenant
// keeps them, of all tenants, as slowly as it takes to be in nobody's way. A tenant
// that fails is logged and left for the next time; the error is that of the registry.
func (a *Archive) Retain(ctx context.Context) (Retained, error) {
	var done Retained
	pause := func(after time.Duration) error { return a.restAfter(ctx, after) }
	err := a.o.Registry.EachEstate(ctx, a.o.MayRetain, pause, func(s *registry.Estate) error {
		if s.Effective == nil || s.Effective.RetentionDays == 0 {
			return nil
		}
		done.Tenants++
		o := &old{a: a, estate: s, before: a.o.timing.now().AddDate(0, 0, -s.Effective.RetentionDays), done: &done}
		if err := o.delete(ctx); err != nil && ctx.Err() == nil {
			done.Failed++
			a.o.Log.Warn("a tenant's old conversations could not be deleted", "tenant", s.Tenant, "error", err)
		}
		return ctx.Err()
	})
	return done, err
}

// old is what one tenant does not keep any longer.
type old struct {
	a      *Archive
	estate *registry.Estate
	before time.Time
	done   *Retained
}

// delete looks through every storage that the tenant was written to.
func (o *old) delete(ctx context.Context) error {
	var failed error
	for _, b := range o.estate.Life.Storages {
		store, err := o.a.open(ctx, o.estate.Tenant, b)
		if err == nil {
			err = o.in(ctx, store)
			store.Close()
			if err != nil {
				err = named(b, err)
			}
		}
		if ctx.Err() != nil {
			return fault.Of(context.Cause(ctx))
		}
		if failed == nil {
			failed = err
		}
	}
	return failed
}

// retainPage is how many conversations are listed at once.
const retainPage = 100

func (o *old) call(conversation string) sdk.Call {
	return sdk.Call{Tenant: o.estate.Tenant, Incarnation: o.estate.Life.Incarnation, Conversation: conversation}
}

func (o *old) in(ctx context.Context, store storage.Storage) error {
	for after, more := "", true; more; {
		var page *storage.ConversationPage
		if err := o.gently(ctx, func() error {
			return o.a.insist(ctx, func() (err error) {
				page, err = store.List(ctx, &storage.ListRequest{Call: o.call(""), After: after, Limit: retainPage})
				return err
			})
		}); err != nil {
			return err
		}
		for _, c := range page.Conversations {
			if after = c.ID; c.UpdatedAt.Before(o.before) {
				if err := o.conversation(ctx, store, c.ID); err != nil {
					return err
				}
			}
		}
		more = page.More && len(page.Conversations) > 0
	}
	return nil
}

// conversation deletes one, unless it was changed since it was listed.
func (o *old) conversation(ctx context.Context, store storage.Storage, id string) error {
	for more, gone := true, int64(0); more; {
		err := o.gently(ctx, func() error {
			var d storage.Deleted
			err := o.a.insist(ctx, func() (err error) {
				d, err = store.Delete(ctx, storage.Scope{Call: o.call(id), Before: o.before, Limit: step})
				return err
			})
			o.done.Conversations += d.Conversations
			o.done.Turns += d.Turns
			more = d.More
			gone += d.Conversations
			return err
		})
		if err != nil {
			return err
		}
		if !more && gone > 0 {
			return o.a.forget(ctx, o.estate.Effective, o.call(id))
		}
	}
	return nil
}

// gently makes a call and rests after it, the longer the longer it took: whatever the
// storage can do, most of it is for others.
func (o *old) gently(ctx context.Context, call func() error) error {
	begun := time.Now()
	if err := call(); err != nil {
		return err
	}
	return o.a.restAfter(ctx, time.Since(begun))
}

// restAfter is the rest after something that took so long.
func (a *Archive) restAfter(ctx context.Context, took time.Duration) error {
	return rest(ctx, time.Duration(a.o.timing.restFactor)*took)
}

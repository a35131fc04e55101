package archive

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
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
	for sleep(ctx, wait) == nil {
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
	s, stop := newSweep(ctx, a)
	defer stop()
	var working sync.WaitGroup
	for range bounds.RetainAtOnce {
		working.Go(func() { s.work(ctx) })
	}
	pause := func(after time.Duration) error { return a.restAfter(ctx, after) }
	err := a.o.Registry.EachEstate(ctx, a.o.MayRetain, pause, func(e *registry.Estate) error {
		if e.Effective != nil && e.Effective.RetentionDays != 0 {
			s.add(e)
		}
		return ctx.Err()
	})
	s.end()
	working.Wait()
	if err == nil {
		err = ctx.Err()
	}
	s.done.Failed = len(s.failed)
	return s.done, err
}

// old is what one tenant does not keep any longer in one storage.
type old struct {
	a      *Archive
	sweep  *sweep
	estate *registry.Estate
	visit  *visit
	before time.Time
	until  time.Time // when the visit gives its place up
}

// retainPage is how many conversations are listed at once.
const retainPage = 100

func (o *old) call(conversation string) sdk.Call {
	return sdk.Call{Tenant: o.estate.Tenant, Incarnation: o.estate.Life.Incarnation, Conversation: conversation}
}

// in looks through the storage from where the visit was, and reports whether there is more
// to be looked at.
func (o *old) in(ctx context.Context, store storage.Storage) (more bool, err error) {
	for more := true; more; {
		var page *storage.ConversationPage
		if err := o.gently(ctx, func() error {
			return o.a.retry(ctx, func() (err error) {
				page, err = store.List(ctx, &storage.ListRequest{Call: o.call(""), After: o.visit.after, Limit: retainPage})
				return err
			})
		}); err != nil {
			return false, err
		}
		for _, c := range page.Conversations {
			if c.UpdatedAt.Before(o.before) {
				if err := o.conversation(ctx, store, c.ID); err != nil {
					return false, err
				}
			}
			if o.visit.after = c.ID; time.Now().After(o.until) {
				return true, nil
			}
		}
		more = page.More && len(page.Conversations) > 0
	}
	return false, nil
}

// conversation deletes one, unless it was changed since it was listed.
func (o *old) conversation(ctx context.Context, store storage.Storage, id string) error {
	for more, gone := true, int64(0); more; {
		err := o.gently(ctx, func() error {
			var d storage.Deleted
			err := o.a.retry(ctx, func() (err error) {
				d, err = store.Delete(ctx, storage.Scope{Call: o.call(id), Before: o.before, Limit: step})
				return err
			})
			o.sweep.count(d)
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

// count adds what was deleted.
func (s *sweep) count(d storage.Deleted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done.Conversations += d.Conversations
	s.done.Turns += d.Turns
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
	return sleep(ctx, time.Duration(a.o.timing.restFactor)*took)
}

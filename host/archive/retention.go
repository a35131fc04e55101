package archive

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/registry"
)

// Retained has the counts of one pass of retention.
type Retained struct {
	Tenants       int   // tenants that have retention_days
	Conversations int64 // conversations that were deleted
	Turns         int64 // turns that were deleted
	Failed        int   // tenants for which the pass failed
}

// Run makes passes of retention until ctx ends: the first pass soon after the start, the next
// passes about once an hour, or as Options.RetainEvery says. Several hosts may run Run at the
// same time.
func (a *Archive) Run(ctx context.Context) {
	t := a.o.timing
	wait := t.firstRetention + rand.N(t.firstRetention/2+1)
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
		wait = t.retainEvery*9/10 + rand.N(t.retainEvery/5+1)
	}
}

// Retain makes one pass of retention. It deletes the conversations of all tenants whose last
// change is longer ago than the tenant's retention_days. It pauses after each call, so that a
// storage has most of its time for other work. If a tenant fails, Retain logs and counts the
// failure, and the next pass tries again. Retain returns an error only if the registry fails or
// ctx ends.
func (a *Archive) Retain(ctx context.Context) (Retained, error) {
	q, stop := newRetentionQueue(ctx, a)
	defer stop()
	var workers sync.WaitGroup
	for range bounds.RetainAtOnce {
		workers.Go(func() { q.work(ctx) })
	}
	pause := func(took time.Duration) error { return a.pauseAfter(ctx, took) }
	err := a.o.Registry.ForEachTenant(ctx, registry.ForEachOptions{Wanted: a.o.MayRetain, Pause: pause}, func(e *registry.Snapshot) error {
		if e.Effective != nil && e.Effective.RetentionDays != 0 {
			q.add(e)
		}
		return ctx.Err()
	})
	q.allAdded()
	workers.Wait()
	if err == nil {
		err = ctx.Err()
	}
	q.done.Failed = len(q.failed)
	return q.done, err
}

// throttled makes a call and then pauses for timing.throttle times the duration of the call.
func (a *Archive) throttled(ctx context.Context, call func() error) error {
	begun := time.Now()
	if err := call(); err != nil {
		return err
	}
	return a.pauseAfter(ctx, time.Since(begun))
}

// pauseAfter pauses for timing.throttle times the duration took.
func (a *Archive) pauseAfter(ctx context.Context, took time.Duration) error {
	return sleep(ctx, time.Duration(a.o.timing.throttle)*took)
}

package registry

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

const (
	// judgedAtOnce bounds the tenants that are judged again at the same time.
	judgedAtOnce = 4
	// judgeWait is the time between two judgements of one tenant that nobody asked for,
	// doubled with each that fails, to judgeWaitMost: settings that end a plugin's process
	// have it become ready again, and that must not have them judged all the time.
	judgeWait     = 5 * time.Second
	judgeWaitMost = time.Hour
)

// failing is a tenant with valid settings whose bot could not be built when that was
// last tried. Guarded by the registry's mu.
type failing struct {
	tenant *tenant
	err    error
	judged time.Time     // when it was last judged without being asked for
	wait   time.Duration // after judged
	wanted bool          // it is to be judged as soon as it has waited
}

// noteBuild takes down how a build of the tenant's settings ended. Those that were given up
// say nothing. The caller holds mu.
func (r *Registry) noteBuild(t *tenant, err error) {
	switch {
	case err == nil:
		r.mended(t)
	case r.closed || fault.Is(err, fault.Canceled):
	case t.failing != nil:
		t.failing.err = err
	default:
		t.failing = &failing{tenant: t, err: err}
		r.failing[t] = t.failing
	}
}

// mended forgets that a tenant's bot could not be built. The caller holds mu.
func (r *Registry) mended(t *tenant) {
	delete(r.failing, t)
	t.failing = nil
}

// Rejudge has the tenants judged again that are known to be refused: what they need
// has changed. Those whose bot could not be built, and that concerns, are built in the
// background, a few at once; those of the ledger whose settings were not valid
// are read again before they are used.
func (r *Registry) Rejudge(concerns func(*config.Effective) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.failing {
		if e := f.tenant.effective; e != nil && concerns(e) {
			f.wanted = true
		}
	}
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
	if r.o.Store == nil {
		return
	}
	for t := range r.invalid {
		if t.source == SourceAPI {
			t.known = false
		}
	}
	for _, l := range r.loads {
		l.stale = true
	}
}

// rejudge judges tenants again when they are due.
func (r *Registry) rejudge() {
	next := time.NewTimer(time.Hour)
	defer next.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.wake:
		case <-next.C:
		}
		due, wait := r.due()
		slots := make(chan struct{}, judgedAtOnce)
		var all sync.WaitGroup
		for _, id := range due {
			select {
			case slots <- struct{}{}:
			case <-r.ctx.Done():
			}
			if r.ctx.Err() != nil {
				break
			}
			all.Go(func() {
				defer func() { <-slots }()
				ctx, cancel := context.WithTimeout(r.ctx, r.o.BuildTimeout)
				defer cancel()
				if lease, err := r.Acquire(ctx, id); err == nil { // else it is noted
					lease.Release()
				}
			})
		}
		all.Wait()
		next.Reset(wait)
	}
}

// due answers the tenants that are to be judged now, and how long until there may be
// more.
func (r *Registry) due() (ids []string, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.o.now()
	wait = judgeWaitMost
	for t, f := range r.failing {
		left := f.judged.Add(f.wait).Sub(now)
		switch {
		case r.tenants[t.id] != t:
			r.mended(t)
		case !f.wanted:
		case left > 0:
			wait = min(wait, left)
		default:
			ids = append(ids, t.id)
			f.wanted, f.judged = false, now
			f.wait = min(max(2*f.wait, judgeWait), judgeWaitMost)
		}
	}
	return ids, wait
}

package registry

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
)

// retriedAtOnce is how many bots retryFailed builds at the same time.
const retriedAtOnce = 4

// Rejudge tries refused tenants again. Call it when something that tenants need has changed,
// such as a plugin. If a tenant's bot could not be built and concerns reports true for the
// tenant's configuration, the bot is built again in the background. Registered tenants with
// invalid settings are checked again before they are used.
func (r *Registry) Rejudge(concerns func(*config.Effective) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cache.RetryLocked(func(id string) bool {
		t := r.tenants[id]
		return t != nil && t.effective != nil && concerns(t.effective)
	})
	select {
	case r.retry <- struct{}{}:
	default: // retryFailed is signaled already
	}
	r.catalog.rejudgeLocked()
}

// retryFailed builds failed bots again when their wait is over, until the Registry is closed.
func (r *Registry) retryFailed() {
	next := time.NewTimer(time.Hour)
	defer next.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.retry:
		case <-next.C:
		}
		r.mu.Lock()
		due, wait := r.cache.DueLocked()
		r.mu.Unlock()
		places := make(chan struct{}, retriedAtOnce)
		var all sync.WaitGroup
		for _, id := range due {
			select {
			case places <- struct{}{}:
			case <-r.ctx.Done():
			}
			if r.ctx.Err() != nil {
				break
			}
			all.Go(func() {
				defer func() { <-places }()
				ctx, cancel := context.WithTimeout(r.ctx, r.o.BuildTimeout)
				defer cancel()
				if lease, err := r.Acquire(ctx, id); err == nil { // if Acquire fails, the cache has recorded the failure
					lease.Release()
				}
			})
		}
		all.Wait()
		next.Reset(wait)
	}
}

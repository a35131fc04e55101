package archive

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// retainPage is how many conversations one call lists.
const retainPage = 100

// visitor looks through what one tenant has in one storage, and deletes what is too old. It
// makes one visit.
type visitor struct {
	q      *retentionQueue
	tenant *registry.Snapshot
	visit  *visit
	before time.Time // conversations whose last change was earlier are too old
	until  time.Time // when the visit ends though there is more
}

// makeVisit makes a visit to the storage with that digest. more reports whether it ended
// early. The tenant's configuration is read anew: it may have changed since the tenant was
// added, and nothing is done if the tenant is gone or has no retention_days now.
func (q *retentionQueue) makeVisit(ctx context.Context, digest string, v *visit) (more bool, err error) {
	e, err := q.a.o.Registry.Snapshot(ctx, v.tenant)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) || err == nil && (e.Effective == nil || e.Effective.RetentionDays == 0) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r := &visitor{q: q, tenant: e, visit: v, until: time.Now().Add(q.a.o.timing.visit),
		before: q.a.o.timing.now().AddDate(0, 0, -e.Effective.RetentionDays)}
	for _, b := range e.Incarnation.Storages {
		if b.Digest != digest {
			continue
		}
		store, err := q.a.openStorage(ctx, v.tenant, b)
		if err != nil {
			return false, err
		}
		defer store.Close()
		if more, err = r.deleteOld(ctx, store); err != nil {
			return false, labeled(b, err)
		}
	}
	return more, nil
}

func (r *visitor) call(conversation string) sdk.Call {
	return sdk.Call{Tenant: r.tenant.Tenant, Incarnation: r.tenant.Incarnation.ID, Conversation: conversation}
}

// deleteOld looks through the storage from where the visit before ended. more reports
// whether its time was over before all was looked at.
func (r *visitor) deleteOld(ctx context.Context, store storage.Storage) (more bool, err error) {
	for more := true; more; {
		var page *storage.ConversationPage
		if err := r.q.a.throttled(ctx, func() error {
			return r.q.a.retry(ctx, func() (err error) {
				page, err = store.List(ctx, &storage.ListRequest{Call: r.call(""), After: r.visit.after, Limit: retainPage})
				return err
			})
		}); err != nil {
			return false, err
		}
		for _, c := range page.Conversations {
			if c.UpdatedAt.Before(r.before) {
				if err := r.deleteConversation(ctx, store, c.ID); err != nil {
					return false, err
				}
			}
			if r.visit.after = c.ID; time.Now().After(r.until) {
				return true, nil
			}
		}
		more = page.More && len(page.Conversations) > 0
	}
	return false, nil
}

// deleteConversation deletes a conversation step by step, unless it was changed since it
// was listed. Then it has the memory forget it.
func (r *visitor) deleteConversation(ctx context.Context, store storage.Storage, id string) error {
	for more, gone := true, int64(0); more; {
		err := r.q.a.throttled(ctx, func() error {
			var d storage.Deleted
			err := r.q.a.retry(ctx, func() (err error) {
				d, err = store.Delete(ctx, storage.Scope{Call: r.call(id), Before: r.before, Limit: deleteStep})
				return err
			})
			r.q.addDeleted(d)
			more = d.More
			gone += d.Conversations
			return err
		})
		if err != nil {
			return err
		}
		if !more && gone > 0 {
			return r.q.a.forget(ctx, r.tenant.Effective, r.call(id))
		}
	}
	return nil
}

// addDeleted adds to the counts of the pass.
func (q *retentionQueue) addDeleted(d storage.Deleted) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done.Conversations += d.Conversations
	q.done.Turns += d.Turns
}

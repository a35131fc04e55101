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

// visitor makes one visit: it looks through the conversations of one tenant in one storage, and
// deletes the conversations that are too old.
type visitor struct {
	q      *retentionQueue
	tenant *registry.Snapshot
	visit  *visit
	before time.Time // conversations whose last change was earlier are too old
	until  time.Time // the time at which the visit ends early
}

// makeVisit makes the visit v in the storage with the given digest. more reports whether the
// visit ended early. makeVisit reads the tenant's configuration again, because it may have
// changed since the visit was queued. If the tenant no longer exists or has no retention_days,
// makeVisit does nothing.
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

// deleteOld looks through the conversations after the last processed one. more reports whether
// the time of the visit ended before the last conversation.
func (r *visitor) deleteOld(ctx context.Context, store *OpenedStorage) (more bool, err error) {
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

// deleteConversation deletes a conversation step by step, if it was not changed after it was
// listed. After the deletion it lets the memory forget the conversation.
func (r *visitor) deleteConversation(ctx context.Context, store *OpenedStorage, id string) error {
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
			return r.forget(ctx, store, id)
		}
	}
	return nil
}

// forget lets the memory forget a deleted conversation.
func (r *visitor) forget(ctx context.Context, store *OpenedStorage, id string) error {
	if store.Cursors == nil {
		return nil
	}
	return r.q.a.withMemory(ctx, r.tenant.Effective, func(m *Memory) error {
		if m.Drain == nil {
			return nil
		}
		return r.q.a.retry(ctx, func() error { return m.Drain(ctx, store.Cursors, r.call(id)) })
	})
}

// addDeleted adds a deletion to the counts of the pass.
func (q *retentionQueue) addDeleted(d storage.Deleted) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done.Conversations += d.Conversations
	q.done.Turns += d.Turns
}

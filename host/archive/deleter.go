package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// deleteStep is about how many turns one call of Delete deletes.
const deleteStep = 500

// deleter deletes the conversations of incarnations of a tenant. It works in at most
// bounds.DeletedAtOnce storages at the same time. Each erasure and each purge has a deleter of
// its own, and calls its methods one after another.
type deleter struct {
	a      *Archive
	tenant string
	o      DeletionOptions

	mu     sync.Mutex // guards counts, and is held while Progress or storageDone runs
	counts *Counts    // the deleter adds its deletions to counts
	// storageDone is called after each deletion of an incarnation from a storage, except after the
	// last one of deleteAll. It may be nil.
	storageDone func()
}

// deletion is what is to be deleted of one incarnation in one storage.
type deletion struct {
	storage config.SealedBlock
	scope   storage.Scope
	count   *Count // guarded by deleter.mu
	err     error  // why the deletion failed
}

// deleteAll deletes conversations in every storage of every incarnation. The function scope
// returns, for a call with an incarnation, the scope of the deletion. The storages are worked on
// side by side, so that a slow storage does not delay the others, and the incarnations of one
// storage one after another. If one storage fails, deleteAll goes on with the others. The
// returned error has the class of the first failure, in the order of the incarnations and their
// storages, and names all storages that failed.
func (d *deleter) deleteAll(ctx context.Context, incarnations []tenantstore.Incarnation, scope func(sdk.Call) storage.Scope) error {
	deletions := d.plan(incarnations, scope)
	var queues [][]*deletion // the deletions of each storage
	queueOf := map[string]int{}
	for _, x := range deletions {
		i, ok := queueOf[x.storage.Digest]
		if !ok {
			i = len(queues)
			queueOf[x.storage.Digest], queues = i, append(queues, nil)
		}
		queues[i] = append(queues[i], x)
	}
	left := len(deletions)
	var all sync.WaitGroup
	slots := make(chan struct{}, bounds.DeletedAtOnce)
	for _, queue := range queues {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			for _, x := range queue {
				if ctx.Err() != nil {
					return
				}
				x.err = d.deleteIn(ctx, x)
				d.mu.Lock()
				if left--; left > 0 && ctx.Err() == nil && d.storageDone != nil {
					d.storageDone()
				}
				d.mu.Unlock()
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return fault.Of(context.Cause(ctx))
	}
	return joinFailures(deletions)
}

// plan returns the deletions of the incarnations in all their storages, except in the abandoned
// storages, which it marks in the counts. It makes the counts of all storages before any deletion
// runs, so that the receipt lists them in the same order each time.
func (d *deleter) plan(incarnations []tenantstore.Incarnation, scope func(sdk.Call) storage.Scope) []*deletion {
	var out []*deletion
	for _, l := range incarnations {
		for _, b := range l.Storages {
			count := d.counts.of(l.ID, b)
			if d.o.abandons(b) {
				count.Abandoned = true
				continue
			}
			out = append(out, &deletion{storage: b, scope: scope(sdk.Call{Tenant: d.tenant, Incarnation: l.ID})})
		}
	}
	for _, x := range out { // of returns pointers that last only after its last call
		x.count = d.counts.of(x.scope.Call.Incarnation, x.storage)
	}
	return out
}

// joinFailures returns an error that names all storages in which a deletion failed, with the class
// of the first failure. It returns nil if none failed.
func joinFailures(deletions []*deletion) error {
	var failed []error
	for _, x := range deletions {
		if x.err != nil {
			failed = append(failed, x.err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	first := fault.Of(failed[0])
	out := fault.New(first.Class, "%w", errors.Join(failed...)).By(first.Party)
	out.Retryable, out.RetryAfter = first.Retryable, first.RetryAfter
	return out
}

// deleteIn opens the storage and deletes the conversations that the scope of the deletion names.
// Its errors have the storage's label and digest.
func (d *deleter) deleteIn(ctx context.Context, x *deletion) error {
	b := x.storage
	store, err := d.a.openStorage(ctx, d.tenant, b)
	if err == nil {
		defer store.Close()
		if err = store.requireOwners(x.scope.Call.User); err == nil {
			err = d.deleteSteps(ctx, store, x)
		}
		if err != nil {
			err = labeled(b, err)
		}
	}
	if err == nil {
		return nil
	}
	f := *fault.Of(err)
	f.Message += fmt.Sprintf(" (digest %s)", b.Digest[:min(len(b.Digest), shortDigest)])
	return &f
}

// deleteSteps deletes the conversations that the scope of the deletion names, step by step until
// none is left. It adds each step to the count and reports the progress.
func (d *deleter) deleteSteps(ctx context.Context, store storage.Storage, x *deletion) error {
	scope := x.scope
	scope.Limit = deleteStep
	for {
		var deleted storage.Deleted
		err := d.a.retry(ctx, func() (err error) {
			deleted, err = store.Delete(ctx, scope)
			return err
		})
		if err != nil {
			return err
		}
		d.addCount(x.count, deleted)
		if !deleted.More {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fault.Of(context.Cause(ctx))
		}
	}
}

// addCount adds the numbers of one step to the count and reports the progress.
func (d *deleter) addCount(count *Count, deleted storage.Deleted) {
	d.mu.Lock()
	defer d.mu.Unlock()
	count.Conversations += deleted.Conversations
	count.Turns += deleted.Turns
	count.Emptied += deleted.Emptied
	if d.o.Progress != nil {
		d.o.Progress(*count)
	}
}

// sweepUntracked waits for timing.lateWrites and then deletes a second time from the
// incarnations without a name. A storage refuses late writes under a named incarnation after
// its deletion, but it cannot refuse writes under an incarnation without a name. So another
// host may have written until it learned that the incarnation had ended.
func (d *deleter) sweepUntracked(ctx context.Context, incarnations []tenantstore.Incarnation) error {
	incarnations = slices.DeleteFunc(slices.Clone(incarnations), func(l tenantstore.Incarnation) bool { return l.ID != "" })
	if len(incarnations) == 0 {
		return nil
	}
	if err := sleep(ctx, d.a.o.timing.lateWrites); err != nil {
		return err
	}
	return d.deleteAll(ctx, incarnations, wholeIncarnation)
}

// wholeIncarnation returns the scope of everything that was written under the call's
// incarnation.
func wholeIncarnation(call sdk.Call) storage.Scope { return storage.Scope{Call: call, Tenant: true} }

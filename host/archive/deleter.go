package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// deleteStep is about how many turns one call of Delete deletes.
const deleteStep = 500

// deleter deletes the conversations of incarnations of a tenant, one storage after another.
// Each erasure and each purge has a deleter of its own, which one goroutine uses.
type deleter struct {
	a      *Archive
	tenant string
	o      DeletionOptions
	counts *Counts // the deleter adds its deletions to counts
	// storageDone is called after each storage except the last one. It may be nil.
	storageDone func()
}

// deleteAll deletes conversations in every storage of every incarnation. The function scope
// returns, for a call with an incarnation, the scope of the deletion. If one storage fails,
// deleteAll goes on with the next storage. The returned error has the class of the first
// failure and names all storages that failed.
func (d *deleter) deleteAll(ctx context.Context, incarnations []tenantstore.Incarnation, scope func(sdk.Call) storage.Scope) error {
	var failed []error
	for i, l := range incarnations {
		for j, b := range l.Storages {
			if d.o.abandons(b) {
				d.counts.of(l.ID, b).Abandoned = true
				continue
			}
			if err := d.deleteIn(ctx, b, scope(sdk.Call{Tenant: d.tenant, Incarnation: l.ID})); err != nil {
				failed = append(failed, err)
			}
			if ctx.Err() != nil {
				return fault.Of(context.Cause(ctx))
			}
			if last := i == len(incarnations)-1 && j == len(l.Storages)-1; !last && d.storageDone != nil {
				d.storageDone()
			}
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

// deleteIn opens one storage and deletes the conversations that the scope names. Its errors
// have the storage's label and digest.
func (d *deleter) deleteIn(ctx context.Context, b config.SealedBlock, scope storage.Scope) error {
	count := d.counts.of(scope.Call.Incarnation, b)
	store, err := d.a.openStorage(ctx, d.tenant, b)
	if err == nil {
		defer store.Close()
		if err = store.requireOwners(scope.Call.User); err == nil {
			err = d.deleteSteps(ctx, store, scope, count)
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

// deleteSteps deletes the conversations that the scope names, step by step until none is left.
// It adds each step to count and reports the progress.
func (d *deleter) deleteSteps(ctx context.Context, store storage.Storage, scope storage.Scope, count *Count) error {
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
		count.Conversations += deleted.Conversations
		count.Turns += deleted.Turns
		count.Emptied += deleted.Emptied
		if d.o.Progress != nil {
			d.o.Progress(*count)
		}
		if !deleted.More {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fault.Of(context.Cause(ctx))
		}
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

package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// step is about how many turns are deleted at once.
const step = 500

// Count is what was deleted of one life of a tenant in one storage.
type Count struct {
	Storage       string `json:"storage"` // its label
	Digest        string `json:"digest"`  // of its configuration
	Life          string `json:"life"`    // empty for one that is not tracked
	Conversations int64  `json:"conversations"`
	Turns         int64  `json:"turns"`
	// Emptied counts the turns of one user in conversations that others wrote in, which stay.
	Emptied int64 `json:"emptied,omitempty"`
	// Abandoned: it could not be asked, and whoever asked for the deletion gave it up.
	Abandoned bool `json:"abandoned,omitempty"`
}

// Counts are those of all lives and storages.
type Counts []Count

// Total is how much was deleted.
func (c Counts) Total() (conversations, turns int64) {
	for _, one := range c {
		conversations += one.Conversations
		turns += one.Turns
	}
	return conversations, turns
}

// Emptied is how many turns were emptied.
func (c Counts) Emptied() (turns int64) {
	for _, one := range c {
		turns += one.Emptied
	}
	return turns
}

// of finds or makes the count of a life in a storage.
func (c *Counts) of(life string, b config.SealedBlock) *Count {
	for i := range *c {
		if one := &(*c)[i]; one.Life == life && one.Digest == b.Digest {
			return one
		}
	}
	*c = append(*c, Count{Storage: b.Label(), Digest: b.Digest, Life: life})
	return &(*c)[len(*c)-1]
}

// Deletion says how to erase or purge.
type Deletion struct {
	// Abandon names storages that cannot be asked any more, by the first characters of
	// their digests: what is there is left.
	Abandon []string
	// Progress, if set, is told after each step what was deleted so far.
	Progress func(Count)
}

// shortestDigest is how much of a digest names a storage.
const shortestDigest = 8

// abandons says whether the storage is given up.
func (d *Deletion) abandons(b config.SealedBlock) bool {
	return slices.ContainsFunc(d.Abandon, func(prefix string) bool { return strings.HasPrefix(b.Digest, prefix) })
}

// check refuses what is to be abandoned and is none of the storages.
func (d *Deletion) check(lives []ledger.Life) error {
	for _, prefix := range d.Abandon {
		known := false
		for _, l := range lives {
			known = known || slices.ContainsFunc(l.Storages, func(b config.SealedBlock) bool { return strings.HasPrefix(b.Digest, prefix) })
		}
		if len(prefix) < shortestDigest || !known {
			return fault.New(fault.Invalid, "%q is no storage of this tenant; expected %d characters or more of a digest", prefix, shortestDigest).At("abandon")
		}
	}
	return nil
}

// wiping deletes what lives of a tenant wrote.
type wiping struct {
	a      *Archive
	tenant string
	o      Deletion
	counts *Counts
	// saved is called when a storage is done and others follow; nil for nothing to do.
	saved func()
}

// lives deletes from every storage of every life what scope makes of its call. What
// one storage fails with does not keep it from the others.
func (w *wiping) lives(ctx context.Context, lives []ledger.Life, scope func(sdk.Call) storage.Scope) error {
	var failed []error
	for i, l := range lives {
		for j, b := range l.Storages {
			if w.o.abandons(b) {
				w.counts.of(l.Incarnation, b).Abandoned = true
				continue
			}
			if err := w.storage(ctx, b, scope(sdk.Call{Tenant: w.tenant, Incarnation: l.Incarnation})); err != nil {
				failed = append(failed, err)
			}
			if ctx.Err() != nil {
				return fault.Of(context.Cause(ctx))
			}
			if last := i == len(lives)-1 && j == len(l.Storages)-1; !last && w.saved != nil {
				w.saved()
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

// storage deletes what the scope names in one storage.
func (w *wiping) storage(ctx context.Context, b config.SealedBlock, scope storage.Scope) error {
	count := w.counts.of(scope.Call.Incarnation, b)
	store, err := w.a.open(ctx, w.tenant, b)
	if err == nil {
		defer store.Close()
		if err = store.tells(scope.Call.User); err == nil {
			err = w.a.delete(ctx, store, scope, func(d storage.Deleted) {
				count.Conversations += d.Conversations
				count.Turns += d.Turns
				count.Emptied += d.Emptied
				if w.o.Progress != nil {
					w.o.Progress(*count)
				}
			})
		}
		if err != nil {
			err = named(b, err)
		}
	}
	if err == nil {
		return nil
	}
	f := *fault.Of(err)
	f.Message += fmt.Sprintf(" (digest %s)", b.Digest[:min(len(b.Digest), shortestDigest)])
	return &f
}

// delete deletes what the scope names, in steps.
func (a *Archive) delete(ctx context.Context, store storage.Storage, scope storage.Scope, stepped func(storage.Deleted)) error {
	scope.Limit = step
	for {
		var d storage.Deleted
		err := a.retry(ctx, func() (err error) {
			d, err = store.Delete(ctx, scope)
			return err
		})
		if err != nil {
			return err
		}
		stepped(d)
		if !d.More {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fault.Of(context.Cause(ctx))
		}
	}
}

// again deletes once more what hosts may have written under lives that no storage
// refuses, since they have no name, before they knew that those are over.
func (w *wiping) again(ctx context.Context, lives []ledger.Life) error {
	lives = slices.DeleteFunc(slices.Clone(lives), func(l ledger.Life) bool { return l.Incarnation != "" })
	if len(lives) == 0 {
		return nil
	}
	if err := sleep(ctx, w.a.o.timing.linger); err != nil {
		return err
	}
	return w.lives(ctx, lives, allOf)
}

func allOf(call sdk.Call) storage.Scope { return storage.Scope{Call: call, Tenant: true} }

// forget has the tenant's memory forget, where it keeps something.
func (a *Archive) forget(ctx context.Context, e *config.Effective, calls ...sdk.Call) error {
	if e == nil || a.o.Memory == nil {
		return nil
	}
	m, done, err := a.o.Memory(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	f, ok := m.(memory.Forgetter)
	if !ok {
		return nil
	}
	for _, call := range calls {
		if err := a.retry(ctx, func() error { return f.Forget(ctx, call) }); err != nil {
			return err
		}
	}
	return nil
}

// late gives time to note what was done when there is none left to do more.
func late(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

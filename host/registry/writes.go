package registry

import (
	"context"
	"maps"

	"github.com/botyard/botyard/sdk/fault"
)

// writes knows which changes of tenants are on their way, and what a reload has to know of
// them. It is used under the Registry's lock.
type writes struct {
	base   int64          // counts the bases that tenants are served by
	of     map[string]int // on their way, by tenant; none is zero
	ended  chan struct{}  // closed when one of them ends; nil while nobody waits for that
	rebase *rebasing      // nil while there is no reload
}

// rebasing is a reload that is checking tenants.
type rebasing struct {
	changed map[string]bool // tenants that changed since they were checked
	frozen  map[string]bool // tenants that changed once, and do not again until done
	done    chan struct{}
}

// errOtherBase says that settings were checked under a base that is none any more.
var errOtherBase = fault.New(fault.Conflict, "the host's files changed while the tenant was checked")

// beginWriteLocked counts a change of a tenant whose settings were checked under base,
// until endWriteLocked. It is errOtherBase where they are to be checked again; then
// wait, unless nil, is closed when that makes sense. Locked: mu is held.
func (w *writes) beginWriteLocked(id string, base int64) (wait <-chan struct{}, err error) {
	if w.base != base {
		return nil, errOtherBase
	}
	if w.rebase != nil {
		if w.rebase.frozen[id] {
			return w.rebase.done, errOtherBase
		}
		w.rebase.changed[id] = true
	}
	if w.of == nil {
		w.of = map[string]int{}
	}
	w.of[id]++
	return nil, nil
}

// endWriteLocked ends what beginWriteLocked began. Locked: mu is held.
func (w *writes) endWriteLocked(id string) {
	if w.of[id]--; w.of[id] == 0 {
		delete(w.of, id)
	}
	if w.ended != nil {
		close(w.ended)
		w.ended = nil
	}
}

// beginRebaseLocked has changes noted from now on. Those that are on their way may be
// seen or not, and count as made since. Locked: mu is held.
func (w *writes) beginRebaseLocked() *rebasing {
	w.rebase = &rebasing{changed: map[string]bool{}, frozen: map[string]bool{}, done: make(chan struct{})}
	for id := range w.of {
		w.rebase.changed[id] = true
	}
	return w.rebase
}

// endRebaseLocked ends what beginRebaseLocked began. Locked: mu is held.
func (w *writes) endRebaseLocked() {
	close(w.rebase.done)
	w.rebase = nil
}

// freeze answers the tenants that changed since they were checked, when those changes are
// made, and keeps those tenants as they are then. There are so few that it is over soon: a
// tenant changes once.
func (r *Registry) freeze(ctx context.Context) (changed map[string]bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &r.writes
	changed, w.rebase.changed = w.rebase.changed, map[string]bool{}
	maps.Copy(w.rebase.frozen, changed)
	for id := range changed {
		for w.of[id] > 0 {
			if w.ended == nil {
				w.ended = make(chan struct{})
			}
			ended := w.ended
			r.mu.Unlock()
			select {
			case <-ended:
			case <-ctx.Done():
			}
			r.mu.Lock()
			if ctx.Err() != nil {
				return nil, fault.Of(context.Cause(ctx))
			}
		}
	}
	return changed, nil
}

// base is what settings are checked under now.
type base struct {
	check  Check
	number int64
}

func (r *Registry) base() base {
	r.mu.Lock()
	defer r.mu.Unlock()
	return base{r.o.Check, r.writes.base}
}

// await waits for what beginWriteLocked said.
func await(ctx context.Context, wait <-chan struct{}) error {
	if wait == nil {
		return nil
	}
	select {
	case <-wait:
		return nil
	case <-ctx.Done():
		return fault.Of(context.Cause(ctx))
	}
}

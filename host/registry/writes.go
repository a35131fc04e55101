package registry

import (
	"context"
	"maps"

	"github.com/botyard/botyard/sdk/fault"
)

// writes knows which changes of tenants are on their way, and tells a reload of them. It is
// guarded by the table's mu.
//
// A reload judges every tenant under a new base: the host's files as they are now. Changes go
// on meanwhile. A tenant that changes is judged again, once, and then is frozen: its next
// change waits until the reload is done. So a reload comes to an end, however many changes
// there are.
type writes struct {
	base   int64           // counts the bases that tenants were served by
	active map[string]int  // changes on their way, by tenant; none is zero
	ended  chan struct{}   // closed when one of them ends; nil while nobody waits for that
	reload *reloadProgress // nil while there is no reload
}

// reloadProgress is a reload that is judging tenants.
type reloadProgress struct {
	changed map[string]bool // tenants that changed since they were judged
	frozen  map[string]bool // tenants that changed once, and do not again until done
	done    chan struct{}   // closed when the reload is done
}

// otherBaseError says that settings were not judged under the base, or together with the
// other document, that counts when they are to be taken. They are to be judged again, when
// wait is closed if it is not nil.
type otherBaseError struct{ wait <-chan struct{} }

func (e *otherBaseError) Error() string {
	return "the host's files changed while the tenant was checked"
}

// beginWriteLocked counts a change of a tenant, whose settings were judged under base, until
// endWriteLocked. Its error is an otherBaseError. Locked: mu is held.
func (w *writes) beginWriteLocked(id string, base int64) error {
	if w.base != base {
		return &otherBaseError{}
	}
	if w.reload != nil {
		if w.reload.frozen[id] {
			return &otherBaseError{wait: w.reload.done}
		}
		w.reload.changed[id] = true
	}
	if w.active == nil {
		w.active = map[string]int{}
	}
	w.active[id]++
	return nil
}

// endWriteLocked ends what beginWriteLocked began. Locked: mu is held.
func (w *writes) endWriteLocked(id string) {
	if w.active[id]--; w.active[id] == 0 {
		delete(w.active, id)
	}
	if w.ended != nil {
		close(w.ended)
		w.ended = nil
	}
}

// beginReloadLocked has changes noted from now on. The reload may see those that are on
// their way or not, and so they count as made since. Locked: mu is held.
func (w *writes) beginReloadLocked() {
	w.reload = &reloadProgress{changed: map[string]bool{}, frozen: map[string]bool{}, done: make(chan struct{})}
	for id := range w.active {
		w.reload.changed[id] = true
	}
}

// endReloadLocked ends what beginReloadLocked began. Locked: mu is held.
func (w *writes) endReloadLocked() {
	close(w.reload.done)
	w.reload = nil
}

// freeze returns the tenants that changed since they were judged, and freezes them. It waits
// until their changes are made. That is soon: each tenant changes once, and there are few.
func (t *tenantTable) freeze(ctx context.Context) (changed map[string]bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &t.writes
	changed, w.reload.changed = w.reload.changed, map[string]bool{}
	maps.Copy(w.reload.frozen, changed)
	for id := range changed {
		for w.active[id] > 0 {
			if w.ended == nil {
				w.ended = make(chan struct{})
			}
			ended := w.ended
			t.mu.Unlock()
			select {
			case <-ended:
			case <-ctx.Done():
			}
			t.mu.Lock()
			if ctx.Err() != nil {
				return nil, fault.Of(context.Cause(ctx))
			}
		}
	}
	return changed, nil
}

// base is what settings are judged under: the check of the host's files, and the number of
// the reload that brought it.
type base struct {
	check  Check
	number int64
}

// base returns the present base.
func (t *tenantTable) base() base {
	t.mu.Lock()
	defer t.mu.Unlock()
	return base{t.o.Check, t.writes.base}
}

// await waits for an otherBaseError's wait, which may be nil.
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

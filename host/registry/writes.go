package registry

import (
	"context"
	"maps"

	"github.com/botyard/botyard/sdk/fault"
)

// writes counts the changes of tenants that are in progress, and records them for a reload. It
// is guarded by the table's mu.
//
// A reload checks every tenant under a new base: the host's files as they are now. Changes of
// tenants go on meanwhile. A tenant that changes is checked again, once, and then is frozen:
// its next change waits until the reload is done. So a reload ends, however many changes there
// are.
type writes struct {
	base   int64           // number of the present base; each reload adds one
	active map[string]int  // changes in progress, by tenant; none is zero
	ended  chan struct{}   // closed when one of active ends; nil while nobody waits for that
	reload *reloadProgress // nil while there is no reload
}

// reloadProgress is the state of a reload that is checking tenants.
type reloadProgress struct {
	changed map[string]bool // tenants that changed since they were checked
	frozen  map[string]bool // tenants that changed, and whose next change waits for done
	done    chan struct{}   // closed when the reload is done
}

// otherBaseError says that a change cannot be applied, because the base or the tenant's other
// document changed after the settings were checked. The caller checks them again. If wait is
// not nil, it first waits until wait is closed.
type otherBaseError struct{ wait <-chan struct{} }

func (e *otherBaseError) Error() string {
	return "the host's files changed while the tenant was checked"
}

// beginWriteLocked counts a change of a tenant, whose settings were checked under base, as in
// progress until endWriteLocked. Its error is an otherBaseError. Locked: mu is held.
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

// beginReloadLocked records changes from now on. It records those in progress too, because the
// reload may read their tenants before or after the change. Locked: mu is held.
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

// freeze returns the tenants that changed since they were checked, and freezes them. It waits
// until their changes in progress have ended. Frozen tenants begin no other change, and so the
// wait is short.
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

// base is the check that the host's files define, and the number of the reload that brought
// it.
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

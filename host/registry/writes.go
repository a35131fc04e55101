package registry

import (
	"context"
	"maps"

	"github.com/botyard/botyard/sdk/fault"
)

// writes counts the changes of tenants that are in progress, and records changed tenants for a
// reload. It is guarded by tenantTable.mu.
//
// A base is the check that the host's files define. A reload checks every tenant under a new
// base, and changes of tenants continue meanwhile. A tenant that changes during the reload is
// checked once more, and then it is frozen: its next change waits until the reload is done. So
// the reload ends, even if tenants change all the time.
type writes struct {
	base   int64           // number of the present base; each reload adds 1
	active map[string]int  // number of changes in progress, by tenant id; no number is 0
	ended  chan struct{}   // closed when a change in active ends; nil while no reload waits for a change
	reload *reloadProgress // nil while no reload runs
}

// reloadProgress is the state of a running reload.
type reloadProgress struct {
	changed map[string]bool // tenants that changed after their check
	frozen  map[string]bool // tenants whose next change waits for done
	done    chan struct{}   // closed when the reload is done
}

// otherBaseError says that a change cannot be applied, because the base or the tenant's other
// document changed after the settings were checked. The caller checks the settings again. If
// wait is not nil, the caller first waits until wait is closed.
type otherBaseError struct{ wait <-chan struct{} }

func (e *otherBaseError) Error() string {
	return "the host's files changed while the tenant was checked"
}

// beginWriteLocked counts a change of a tenant as in progress until endWriteLocked is called.
// base is the number of the base under which the settings were checked. The error is an
// otherBaseError if base is not the present base, or if the tenant is frozen. Locked: mu is
// held.
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

// endWriteLocked ends a change that beginWriteLocked has counted. Locked: mu is held.
func (w *writes) endWriteLocked(id string) {
	if w.active[id]--; w.active[id] == 0 {
		delete(w.active, id)
	}
	if w.ended != nil {
		close(w.ended)
		w.ended = nil
	}
}

// beginReloadLocked starts to record changed tenants. It also records the tenants whose changes
// are in progress, because the reload may read them before or after the change. Locked: mu is
// held.
func (w *writes) beginReloadLocked() {
	w.reload = &reloadProgress{changed: map[string]bool{}, frozen: map[string]bool{}, done: make(chan struct{})}
	for id := range w.active {
		w.reload.changed[id] = true
	}
}

// endReloadLocked stops what beginReloadLocked has started, and lets frozen tenants change
// again. Locked: mu is held.
func (w *writes) endReloadLocked() {
	close(w.reload.done)
	w.reload = nil
}

// freeze returns the tenants that changed after their check, and freezes them. It waits until
// changes of these tenants that are in progress have ended. The wait is short, because a frozen
// tenant begins no other change.
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

// base is the check that the host's files define, and the number of the reload that brought the
// files.
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

// await waits until wait is closed or ctx ends. wait comes from an otherBaseError, and may be
// nil.
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

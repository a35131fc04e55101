package tenantdir

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// heldShare is the share of tenants that may vanish at once: one in so many. More
// looks like a folder that is not mounted.
const heldShare = 10

// together is how far apart files may vanish and still count as at once: removing
// many takes a while.
const together = 10 * time.Second

// vanish deals with files that are gone: their tenants are dropped, or held if too
// many went together. One alone is always dropped, as is one more by itself after
// that: somebody removes two tenants by hand. While files go on vanishing none
// of them is dropped, for it is not known yet how many go. atStart they are not
// served yet.
func (f *Follower) vanish(ctx context.Context, atStart bool) {
	now := f.now()
	f.dropped = slices.DeleteFunc(f.dropped, func(at time.Time) bool { return now.Sub(at) >= together })
	missing := 0
	var newest time.Time
	for _, known := range f.files {
		if known.missing.IsZero() {
			continue
		}
		missing++
		if !known.held && known.missing.After(newest) {
			newest = known.missing
		}
	}
	ended := now.Sub(newest) >= f.o.timing.gone
	var gone []string
	for path, known := range f.files {
		if !known.missing.IsZero() && !known.held && (ended || now.Sub(known.missing) >= together) {
			gone = append(gone, path)
		}
	}
	if len(gone) == 0 {
		return
	}
	slices.Sort(gone)
	alone := missing == 1 && len(f.dropped) <= 1
	missing += len(f.dropped)
	total := len(f.files) + len(f.dropped)
	if alone || missing*heldShare <= total {
		for _, path := range gone {
			f.drop(path)
			f.dropped = append(f.dropped, now)
		}
		return
	}
	for _, path := range gone {
		known := f.files[path]
		known.held = true
		if atStart {
			f.restore(ctx, known.id, path)
		}
		f.o.Target.Refuse(known.id, path, &HeldError{Gone: missing, Total: total})
	}
	f.o.Log.Error("too many tenant files are gone at once: their tenants are served until it is confirmed",
		"gone", missing, "of", total, "confirm", "botyard config reload --confirm-removed")
}

// HeldError is why a tenant whose file is gone is still served.
type HeldError struct{ Gone, Total int }

func (e *HeldError) Error() string {
	return fmt.Sprintf("the file is gone, together with %d of %d: the tenant is served until the removal is confirmed (botyard config reload --confirm-removed) or the file is back", e.Gone, e.Total)
}

// drop forgets a file. Another file with the same id gets its chance.
func (f *Follower) drop(path string) {
	known := f.files[path]
	delete(f.files, path)
	f.o.Target.Drop(known.id, path)
	if k, ok := f.o.Store.get(known.id); ok && k.Path == path {
		f.o.Store.remove(known.id)
	}
	f.o.Log.Info("tenant dropped", "tenant", known.id, "file", path)
	for _, other := range f.files {
		if other.id == known.id {
			other.pending, other.changed = true, f.now().Add(-time.Hour)
		}
	}
}

// Held answers the ids of the tenants that are held, sorted, and the paths that their
// files had.
func (f *Follower) Held() (ids, paths []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, known := range f.files {
		if known.held {
			ids, paths = append(ids, known.id), append(paths, path)
		}
	}
	slices.Sort(ids)
	return ids, paths
}

// ConfirmRemoved drops the tenants that are held and answers their ids.
func (f *Follower) ConfirmRemoved() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for path, known := range f.files {
		if known.held {
			ids = append(ids, known.id)
			f.drop(path)
		}
	}
	slices.Sort(ids)
	return ids
}

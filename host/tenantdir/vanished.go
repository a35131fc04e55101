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

// vanish deals with files that are gone: their tenants are dropped, or held if too
// many went together. One alone is always dropped. atStart they are not served yet.
func (f *Follower) vanish(ctx context.Context, atStart bool) {
	now := f.now()
	var gone []string
	total := 0
	for path, known := range f.files {
		total++
		if !known.missing.IsZero() && !known.held && now.Sub(known.missing) >= f.o.timing.gone {
			gone = append(gone, path)
		}
	}
	slices.Sort(gone)
	if len(gone) <= 1 || len(gone)*heldShare <= total {
		for _, path := range gone {
			f.drop(path)
		}
		return
	}
	for _, path := range gone {
		known := f.files[path]
		known.held = true
		if atStart {
			f.restore(ctx, known.id, path)
		}
		f.o.Target.Refuse(known.id, path, &HeldError{Gone: len(gone), Total: total})
	}
	f.o.Log.Error("too many tenant files are gone at once: their tenants are served until it is confirmed",
		"gone", len(gone), "of", total, "confirm", "botyard config reload --confirm-removed")
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

// Held answers the ids of the tenants that are held.
func (f *Follower) Held() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, known := range f.files {
		if known.held {
			ids = append(ids, known.id)
		}
	}
	slices.Sort(ids)
	return ids
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

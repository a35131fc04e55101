package tenantdir

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// heldShare is the share of tenants that may vanish at once: one in so many. More
// looks like a folder that is not mounted.
const heldShare = 10

// together is how far apart files may vanish and still count as at once: removing
// many takes a while.
const together = 10 * time.Second

// vanish deals with tenants whose files are gone: they are dropped, or held if too
// many went together. One alone is always dropped, as is one more by itself after
// that: somebody removes two tenants by hand. While files go on vanishing none
// of them is dropped, for it is not known yet how many go. Only tenants that were
// served count, and the others are not waited for. atStart they are not served yet.
func (f *Follower) vanish(ctx context.Context, atStart bool) {
	now := f.now()
	f.dropped = slices.DeleteFunc(f.dropped, func(at time.Time) bool { return now.Sub(at) >= together })
	missing, total := 0, 0
	var newest time.Time
	for _, t := range f.tenants {
		switch {
		case t.served && !t.missing.IsZero():
			missing++
			if !t.held && t.missing.After(newest) {
				newest = t.missing
			}
			fallthrough
		case t.served:
			total++
		case !t.missing.IsZero() && now.Sub(t.missing) >= f.o.timing.gone && !t.judging:
			f.drop(t)
		}
	}
	ended := now.Sub(newest) >= f.o.timing.gone
	var gone []*tenant
	for _, t := range f.tenants {
		if t.served && !t.missing.IsZero() && !t.held && !t.judging && (ended || now.Sub(t.missing) >= together) {
			gone = append(gone, t)
		}
	}
	if len(gone) == 0 {
		return
	}
	slices.SortFunc(gone, func(a, b *tenant) int { return strings.Compare(a.id, b.id) })
	alone := missing == 1 && len(f.dropped) <= 1
	missing += len(f.dropped)
	total += len(f.dropped)
	if alone || missing*heldShare <= total {
		for _, t := range gone {
			f.drop(t)
			f.dropped = append(f.dropped, now)
		}
		return
	}
	for _, t := range gone {
		t.held = true
		if atStart {
			job := applying{id: t.id, path: t.source.path, live: t.live}
			f.restore(ctx, &job)
			t.live = job.live
		}
		f.o.Target.Refuse(t.id, t.source.path, &HeldError{Gone: missing, Total: total})
	}
	f.o.Log.Error("too many tenant files are gone at once: their tenants are served until it is confirmed",
		"gone", missing, "of", total, "confirm", "botyard config reload --confirm-removed")
}

// HeldError is why a tenant whose file is gone is still served.
type HeldError struct{ Gone, Total int }

func (e *HeldError) Error() string {
	return fmt.Sprintf("the file is gone, together with %d of %d: the tenant is served until the removal is confirmed (botyard config reload --confirm-removed) or the file is back", e.Gone, e.Total)
}

// drop forgets a tenant without files.
func (f *Follower) drop(t *tenant) {
	delete(f.tenants, t.id)
	for _, known := range t.files {
		delete(f.files, known.path)
	}
	f.o.Target.Drop(t.id, t.source.path)
	f.o.Store.remove(t.id)
	f.o.Log.Info("tenant dropped", "tenant", t.id, "file", t.source.path)
}

// Held answers the ids of the tenants that are held, sorted, and the paths that their
// files had.
func (f *Follower) Held() (ids, paths []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, t := range f.tenants {
		if t.held {
			ids, paths = append(ids, id), append(paths, t.source.path)
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
	for id, t := range f.tenants {
		if t.held && !t.judging {
			ids = append(ids, id)
			f.drop(t)
		}
	}
	slices.Sort(ids)
	return ids
}

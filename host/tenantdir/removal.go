package tenantdir

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// massRemovalShare says which part of the tenants may be removed at once without confirmation:
// one in massRemovalShare. If more files are missing, the folder is perhaps not mounted.
const massRemovalShare = 10

// massRemovalWindow is the time within which several removals count as one, because removing
// many files takes a while.
const massRemovalWindow = 10 * time.Second

// removeOptions are the options of removeLocked.
type removeOptions struct {
	// restore makes the target serve the held tenants with their last good documents. It is set at
	// the start, when the target serves no tenants yet.
	restore bool
}

// removeLocked drops the tenants whose files are missing, or holds them if too many files are
// missing. It follows these rules:
//
//   - A tenant that was never served is dropped, and does not count in the other rules.
//   - While further files go missing, no tenant is dropped, because it is not known yet how many
//     files will be missing.
//   - A single missing tenant is dropped, and then a second one, because an operator may remove two
//     files by hand.
//   - If one in massRemovalShare tenants or fewer are missing or were dropped within
//     massRemovalWindow, the missing tenants are dropped. Otherwise they are held.
//
// Locked: mu is held.
func (f *Follower) removeLocked(ctx context.Context, o removeOptions) {
	now := f.now()
	f.dropped = slices.DeleteFunc(f.dropped, func(at time.Time) bool { return now.Sub(at) >= massRemovalWindow })
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
		case !t.missing.IsZero() && now.Sub(t.missing) >= f.o.timing.gone && !t.applying:
			f.dropLocked(t)
		}
	}
	quiet := now.Sub(newest) >= f.o.timing.gone
	var gone []*tenant
	for _, t := range f.tenants {
		if t.served && !t.missing.IsZero() && !t.held && !t.applying && (quiet || now.Sub(t.missing) >= massRemovalWindow) {
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
	if alone || missing*massRemovalShare <= total {
		for _, t := range gone {
			f.dropLocked(t)
			f.dropped = append(f.dropped, now)
		}
		return
	}
	for _, t := range gone {
		t.held = true
		if o.restore {
			job := application{id: t.id, path: t.source.path, live: t.live}
			f.restoreLastGood(ctx, &job)
			t.live = job.live
		}
		f.o.Target.Refuse(t.id, t.source.path, &HeldError{Gone: missing, Total: total})
	}
	f.o.Log.Error("too many tenant files are gone at once: their tenants are served until it is confirmed",
		"gone", missing, "of", total, "confirm", "botyard config reload --confirm-removed")
}

// HeldError says that a tenant is held: its file is missing, and the tenant is still served.
type HeldError struct{ Gone, Total int }

func (e *HeldError) Error() string {
	return fmt.Sprintf("the file is gone, together with %d of %d: the tenant is served until the removal is confirmed (botyard config reload --confirm-removed) or the file is back", e.Gone, e.Total)
}

// dropLocked removes a tenant whose files are missing from the Follower, the target and
// LastGood. Locked: mu is held.
func (f *Follower) dropLocked(t *tenant) {
	delete(f.tenants, t.id)
	for _, known := range t.files {
		delete(f.files, known.path)
	}
	f.o.Target.Drop(t.id, t.source.path)
	f.o.LastGood.remove(t.id)
	f.o.Log.Info("tenant dropped", "tenant", t.id, "file", t.source.path)
}

// Held returns the sorted ids of the held tenants, and the paths of their missing files in no
// particular order.
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

// ConfirmRemoved drops the held tenants and returns their ids, sorted. It does not drop a
// tenant whose file is being applied.
func (f *Follower) ConfirmRemoved() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for id, t := range f.tenants {
		if t.held && !t.applying {
			ids = append(ids, id)
			f.dropLocked(t)
		}
	}
	slices.Sort(ids)
	return ids
}

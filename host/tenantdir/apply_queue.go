package tenantdir

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// applySettledLocked applies the pending files that have settled, and waits for them for at
// most timing.applyWait. If a tenant's file still exists, the tenant continues to come from
// this file, and other files with its id are unused. Files are applied in the order of their
// paths, so that of two new files with one id always the same file is used. Locked: mu is held,
// and released while the function waits.
func (f *Follower) applySettledLocked(ctx context.Context, seen *snapshot) {
	now := f.now()
	var settled []*file
	for path, known := range f.files {
		if _, there := seen.files[path]; there && known.pending && now.Sub(known.changed) >= f.o.timing.settle {
			settled = append(settled, known)
		}
	}
	slices.SortFunc(settled, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	for _, known := range settled {
		if ctx.Err() != nil {
			return
		}
		t := known.tenant
		if t.applying {
			continue // The file stays pending until the tenant's other file is applied.
		}
		known.pending, known.reread = false, time.Time{}
		if before := t.source; before != nil && before != known {
			if !before.gone {
				f.setUnusedLocked(known, fmt.Sprintf("tenant %s comes from %s: remove one of the two", t.id, before.path))
				continue
			}
			f.removeFileLocked(before)
			f.o.Log.Info("tenant comes from another file now", "tenant", t.id, "file", known.path, "before", before.path)
		}
		t.source = known
		f.startApplyLocked(ctx, known)
	}
	f.waitAppliedLocked(ctx, 0, f.o.timing.applyWait)
}

// startApplyLocked starts a goroutine that applies a file, and waits for it for at most
// applyHeadStart. While bounds.FilesAppliedAtOnce files are being applied, it first waits for
// the end of one. Locked: mu is held, and released while the function waits.
func (f *Follower) startApplyLocked(ctx context.Context, known *file) {
	f.waitAppliedLocked(ctx, bounds.FilesAppliedAtOnce-1, forever)
	t := known.tenant
	if ctx.Err() != nil || t.applying || t.source != known {
		known.pending = true
		return
	}
	t.applying = true
	f.applying++
	job := application{id: t.id, path: known.path, live: t.live}
	f.jobs.Go(func() {
		err := f.apply(ctx, &job)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.applyDoneLocked(ctx, known, &job, err)
	})
	// Applying most files takes less than applyHeadStart. Such files are applied faster one
	// after another than at once.
	f.waitAppliedLocked(ctx, f.applying-1, applyHeadStart)
}

// applyDoneLocked records the result of applying a file. Locked: mu is held.
func (f *Follower) applyDoneLocked(ctx context.Context, known *file, job *application, err error) {
	t := known.tenant
	t.applying = false
	f.applying--
	if f.oneApplied != nil {
		close(f.oneApplied)
		f.oneApplied = nil
	}
	t.live = t.live || job.live
	t.served = t.served || job.served
	if job.unread {
		known.reread = f.now().Add(f.o.timing.reread)
	}
	if ctx.Err() != nil {
		known.pending = true // the error comes from the end of ctx, not from the file
		return
	}
	f.setResultLocked(known, err)
}

// applyHeadStart is how long the queue waits for the application of a file before it also
// starts the next file.
const applyHeadStart = 50 * time.Millisecond

// forever is a timeout that never ends.
const forever = time.Duration(math.MaxInt64)

// waitAppliedLocked waits until at most atMost files are being applied, or until the timeout or
// ctx ends. Locked: mu is held, and released while the function waits.
func (f *Follower) waitAppliedLocked(ctx context.Context, atMost int, timeout time.Duration) {
	if f.applying <= atMost {
		return
	}
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	for f.applying > atMost {
		if f.oneApplied == nil {
			f.oneApplied = make(chan struct{})
		}
		applied := f.oneApplied
		f.mu.Unlock()
		over := false
		select {
		case <-applied:
		case <-ctx.Done():
			over = true
		case <-limit.C:
			over = true
		}
		f.mu.Lock()
		if over {
			return
		}
	}
}

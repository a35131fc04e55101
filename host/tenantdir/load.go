package tenantdir

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Load reads the folders for the first time and waits until their files are applied. A bad
// file is not an error of Load, but a folder that cannot be read is.
func (f *Follower) Load(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, dir := range f.o.Dirs {
		if _, err := f.listLocked(ctx, dir, firstListTimeout); err != nil {
			return fmt.Errorf("tenant_dirs: %w", err)
		}
	}
	seen := f.readFoldersLocked(ctx)
	now := f.now()
	for path, s := range seen.files {
		f.fileSeenLocked(path, s, now)
		// A file with an old time has settled already. One that was written just now may
		// still be incomplete.
		if !s.modified.After(now) {
			f.files[path].changed = s.modified
		}
	}
	f.recoverServedLocked()
	f.applySettledLocked(ctx, seen)
	f.applyUnsettledLocked(ctx)
	f.waitAppliedLocked(ctx, 0, forever)
	f.removeLocked(ctx, true)
	if ctx.Err() != nil {
		f.mu.Unlock()
		f.jobs.Wait()
		f.mu.Lock()
	}
	return ctx.Err()
}

// applyUnsettledLocked waits once for files that were written just before the start, and
// applies those that have settled then. Run applies files that change longer.
// Locked: mu is held.
func (f *Follower) applyUnsettledLocked(ctx context.Context) {
	for _, known := range f.files {
		if !known.pending {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(f.o.timing.settle):
		}
		seen := f.readFoldersLocked(ctx)
		for path, s := range seen.files {
			if known, ok := f.files[path]; ok && known.stamp != s {
				known.stamp, known.changed = s, f.now()
			}
		}
		f.applySettledLocked(ctx, seen)
		return
	}
}

// recoverServedLocked finds out from the last good documents which tenants the last run served,
// and from which file. A tenant that has no file now counts as missing for a long time. If a
// tenant has two files now, it keeps coming from the one of the last run. Locked: mu is held.
func (f *Follower) recoverServedLocked() {
	var folders []string
	for _, dir := range f.o.Dirs {
		folders = append(folders, filepath.Clean(dir))
	}
	for _, doc := range f.o.LastGood.all() {
		t := f.tenants[doc.ID]
		if t == nil {
			if !slices.Contains(folders, filepath.Dir(doc.Path)) {
				continue // the folder is not followed any longer
			}
			missing := f.addFileLocked(doc.Path)
			missing.gone = true
			t = missing.tenant
			t.source, t.missing = missing, time.Unix(0, 0)
		}
		t.served = true
		if source := f.files[doc.Path]; source != nil && source.tenant == t {
			t.source = source
		}
	}
}

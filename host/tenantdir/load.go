package tenantdir

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Load reads the folders for the first time, and waits until their files are applied. Load
// returns an error if a folder cannot be read. An invalid file does not make Load fail.
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
		// A file with an old modification time counts as settled. A file that was written just
		// now may still be incomplete.
		if !s.modified.After(now) {
			f.files[path].changed = s.modified
		}
	}
	f.recoverServedLocked()
	f.applySettledLocked(ctx, seen)
	f.applyUnsettledLocked(ctx)
	f.waitAppliedLocked(ctx, 0, forever)
	f.removeLocked(ctx, removeOptions{restore: true})
	if ctx.Err() != nil {
		f.mu.Unlock()
		f.jobs.Wait()
		f.mu.Lock()
	}
	return ctx.Err()
}

// applyUnsettledLocked waits once for timing.settle if files were written just before the
// start. It then applies the files that have settled. Run applies files that still change.
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

// recoverServedLocked reads from the last good documents which tenants the last run served, and
// from which files. A tenant whose file no longer exists counts as missing for a long time. A
// tenant with two files continues to come from the file of the last run. Locked: mu is held.
func (f *Follower) recoverServedLocked() {
	var folders []string
	for _, dir := range f.o.Dirs {
		folders = append(folders, filepath.Clean(dir))
	}
	for _, doc := range f.o.LastGood.all() {
		t := f.tenants[doc.ID]
		if t == nil {
			if !slices.Contains(folders, filepath.Dir(doc.Path)) {
				continue // the configuration no longer names the folder
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

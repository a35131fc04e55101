package tenantdir

import (
	"context"
	"path/filepath"
	"time"
)

// scanResult says what later scans must do.
type scanResult struct {
	pending  bool // a file has not settled yet, or is being applied
	removing bool // a file is missing, and its tenant is not dropped or held yet
	linked   bool // some files are links, whose targets are not watched
}

// scan reads all folders once. It applies the files that have settled, and drops or holds
// tenants whose files are missing.
func (f *Follower) scan(ctx context.Context) scanResult {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.readFoldersLocked(ctx)
	if ctx.Err() != nil {
		return scanResult{} // readFoldersLocked may not have read all folders
	}
	now := f.now()
	for path, s := range seen.files {
		f.fileSeenLocked(path, s, now)
	}
	for path, known := range f.files {
		_, there := seen.files[path]
		switch {
		case there:
			if !known.reread.IsZero() && !now.Before(known.reread) {
				known.pending = true
			}
		case seen.unreadable[path], f.lost[filepath.Dir(path)]:
			// A file of which it is unknown whether it exists counts as existing.
			if t := known.tenant; known.gone && !t.held {
				known.gone, t.missing = false, time.Time{}
			}
		case !known.gone:
			f.fileGoneLocked(known, now)
		}
	}
	f.applySettledLocked(ctx, seen)
	f.removeLocked(ctx, removeOptions{})
	out := scanResult{linked: seen.linked}
	for path, known := range f.files {
		_, there := seen.files[path]
		out.pending = out.pending || there && (known.pending || known.tenant.applying)
	}
	for _, t := range f.tenants {
		out.removing = out.removing || (!t.missing.IsZero() && !t.held)
	}
	return out
}

// checkPending looks only at the pending files, and applies the files that have settled. Its
// cost does not depend on the number of other files. It reports whether some files are still
// pending.
func (f *Follower) checkPending(ctx context.Context) (pending bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	seen := newSnapshot()
	for path, known := range f.files {
		if !known.pending {
			continue
		}
		seen.addLinked(ctx, path)
	}
	for path, s := range seen.files { // missing files are left to the next scan
		f.fileSeenLocked(path, s, now)
	}
	f.applySettledLocked(ctx, seen)
	for path := range seen.files {
		if known := f.files[path]; known != nil {
			pending = pending || known.pending || known.tenant.applying
		}
	}
	return pending
}

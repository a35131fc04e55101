package tenantdir

import (
	"slices"
	"time"
)

// file is the state of one path. It is guarded by the Follower's mu.
type file struct {
	path    string
	tenant  *tenant
	stamp   stamp     // the last one seen
	changed time.Time // when that stamp was first seen
	pending bool      // it is to be applied when it has settled
	reread  time.Time // when to read it again, if it could not be read; zero otherwise
	gone    bool      // it is missing; its state is kept as long as its tenant is
	refused bool      // it was not applied, perhaps for a reason outside of it
	failure string    // why it was not applied, to log each reason once
	unused  string    // why it is not used for any tenant; empty if it is used
}

// tenant is the state of one id. It is guarded by the Follower's mu.
type tenant struct {
	id       string
	files    []*file   // all files with this id; a tenant comes from one of them
	source   *file     // the file that it comes from; nil before the first was applied
	served   bool      // it was served by this run or the last one; only then it may be held
	live     bool      // it is served now
	missing  time.Time // since when all its files are missing; zero if one exists
	held     bool      // it is missing, and served until the removal is confirmed
	applying bool      // one of its files is being applied
}

// hasFile reports whether one of the tenant's files is there.
func (t *tenant) hasFile() bool {
	return slices.ContainsFunc(t.files, func(known *file) bool { return !known.gone })
}

// addFileLocked adds a path, and its tenant if this is its first file. Locked: mu is held.
func (f *Follower) addFileLocked(path string) *file {
	id := idOf(path)
	t := f.tenants[id]
	if t == nil {
		t = &tenant{id: id}
		f.tenants[id] = t
	}
	known := &file{path: path, tenant: t}
	f.files[path] = known
	t.files = append(t.files, known)
	return known
}

// removeFileLocked removes a path whose file is missing, and leaves its tenant. Locked: mu is
// held.
func (f *Follower) removeFileLocked(known *file) {
	delete(f.files, known.path)
	t := known.tenant
	t.files = slices.DeleteFunc(t.files, func(other *file) bool { return other == known })
}

// fileSeenLocked records that a file exists. If it is new or changed, it is pending.
// Locked: mu is held.
func (f *Follower) fileSeenLocked(path string, s stamp, now time.Time) {
	known, ok := f.files[path]
	if !ok {
		known = f.addFileLocked(path)
	}
	t := known.tenant
	switch {
	case !ok || known.stamp != s:
		known.stamp, known.changed, known.pending = s, now, true
	case known.gone:
		// The file is back, unchanged. It is applied again if its tenant was held, which ends
		// the hold, or if the tenant comes from another file now.
		known.pending = t.held || t.source != known
	}
	known.gone = false
	t.missing, t.held = time.Time{}, false
}

// fileGoneLocked records that a file is missing. If its tenant came from it and has other files,
// these become pending. If the tenant has no other file, the tenant is missing. Locked: mu is
// held.
func (f *Follower) fileGoneLocked(known *file, now time.Time) {
	t := known.tenant
	known.gone, known.pending = true, false
	if !t.hasFile() {
		t.missing = now
		if t.source == nil {
			t.source = known
		}
		return
	}
	if t.source != known {
		f.removeFileLocked(known)
		return
	}
	for _, other := range t.files {
		other.pending = !other.gone
	}
}

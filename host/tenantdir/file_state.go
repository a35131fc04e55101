package tenantdir

import (
	"slices"
	"time"
)

// file is what is known of one path.
type file struct {
	path    string
	tenant  *tenant
	stamp   stamp     // last seen
	changed time.Time // when that stamp was first seen
	pending bool      // it is applied once it has settled
	reread  time.Time // when it is tried again, since it could not be read; zero for never
	gone    bool      // it is missing; its stamp is kept while its tenant is
	refused bool      // it was not applied, perhaps for a reason outside of it
	failure string    // why it was not applied, to log each reason once
	unused  string    // why it brings no tenant at all; empty if it does
}

// tenant is what is known of one id.
type tenant struct {
	id       string
	files    []*file   // that have this id; a tenant comes from one of them
	source   *file     // the file that it comes from; nil before the first was applied
	served   bool      // it was served by this run or by the last; others are not held
	live     bool      // it is served now
	missing  time.Time // since when none of its files is there; zero if one is
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

// removeFileLocked removes a path that is not there, and leaves its tenant. Locked: mu is
// held.
func (f *Follower) removeFileLocked(known *file) {
	delete(f.files, known.path)
	t := known.tenant
	t.files = slices.DeleteFunc(t.files, func(other *file) bool { return other == known })
}

// fileSeenLocked notes that a file is there. If it is new or changed, it is pending.
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
		// It is back, unchanged. Applying it again takes back that its tenant was held, and
		// decides anew which file the tenant comes from.
		known.pending = t.held || t.source != known
	}
	known.gone = false
	t.missing, t.held = time.Time{}, false
}

// fileGoneLocked notes that a file is missing. If its tenant came from it and has another
// file, that one is pending. If the tenant has no other file, it is missing. Locked: mu is
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

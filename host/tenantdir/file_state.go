package tenantdir

import (
	"slices"
	"time"
)

// file is the state of one path. The Follower's mu guards it.
type file struct {
	path    string
	tenant  *tenant
	stamp   stamp     // the stamp of the last scan
	changed time.Time // when a scan first saw this stamp
	pending bool      // the file must be applied once it has settled
	reread  time.Time // when to read a file again that could not be read; zero for other files
	gone    bool      // the file is missing; its state is kept as long as its tenant's
	refused bool      // the file was not applied, perhaps for a reason outside of the file
	failure string    // why the file was not applied; used to log each reason once
	unused  string    // why the file is not used for any tenant; empty if it is used
}

// tenant is the state of one tenant. The Follower's mu guards it.
type tenant struct {
	id       string
	files    []*file   // all files with this id; the tenant comes from one of them
	source   *file     // the file from which the tenant comes; nil before the first application
	served   bool      // this run or the last run served the tenant; only such a tenant can be held
	live     bool      // the tenant is served now
	missing  time.Time // since when all files of the tenant are missing; zero if one exists
	held     bool      // all files are missing, and the tenant is served until the removal is confirmed
	applying bool      // one of the tenant's files is being applied
}

// hasFile reports whether one of the tenant's files exists.
func (t *tenant) hasFile() bool {
	return slices.ContainsFunc(t.files, func(known *file) bool { return !known.gone })
}

// addFileLocked adds the state of a path. It also adds the tenant if the path is the tenant's
// first file. Locked: mu is held.
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

// removeFileLocked removes the state of a missing file. The state of its tenant stays. Locked:
// mu is held.
func (f *Follower) removeFileLocked(known *file) {
	delete(f.files, known.path)
	t := known.tenant
	t.files = slices.DeleteFunc(t.files, func(other *file) bool { return other == known })
}

// fileSeenLocked records that a file exists. A file that is new or changed becomes pending.
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
		// The file was missing and is back, unchanged. If its tenant is held, applying the file
		// ends the hold. If the tenant comes from another file now, the queue must decide
		// between the two files.
		known.pending = t.held || t.source != known
	}
	known.gone = false
	t.missing, t.held = time.Time{}, false
}

// fileGoneLocked records that a file is missing. If the file was the tenant's last, the tenant
// counts as missing. If the tenant came from this file and has other files, the other files
// become pending. Locked: mu is held.
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

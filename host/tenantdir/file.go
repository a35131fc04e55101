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
	changed time.Time // when that was first seen
	pending bool      // to be read once settled
	again   time.Time // when it is to be read again, since it could not be; zero for never
	gone    bool      // it is not there; what it looked like is remembered while its tenant is waited for
	refused bool      // what it holds was not applied, for a reason outside of it perhaps
	failed  string    // why it was not applied when it was last read
	unused  string    // why it brings nothing at all; empty while it does
}

// tenant is what is known of one id.
type tenant struct {
	id      string
	files   []*file
	source  *file     // that brings it, or did last; nil before the first was read
	served  bool      // by this run or the last: what never was is not waited for
	live    bool      // it is served now
	missing time.Time // since when none of its files is there; zero while one is
	held    bool      // missing, and served until confirmed
	judging bool      // one of its files is being applied
}

// there says whether one of the tenant's files is.
func (t *tenant) there() bool {
	return slices.ContainsFunc(t.files, func(known *file) bool { return !known.gone })
}

// add makes what is known of a path, and of its tenant if this is its first file.
func (f *Follower) add(path string) *file {
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

// forget drops what is known of a path that is not there.
func (f *Follower) forget(known *file) {
	delete(f.files, known.path)
	t := known.tenant
	t.files = slices.DeleteFunc(t.files, func(other *file) bool { return other == known })
}

// note takes down what a file that is there looks like.
func (f *Follower) note(path string, s stamp, now time.Time) {
	known, ok := f.files[path]
	if !ok {
		known = f.add(path)
	}
	t := known.tenant
	switch {
	case !ok || known.stamp != s:
		known.stamp, known.changed, known.pending = s, now, true
	case known.gone:
		// It is back as it was. If its tenant was held it is told so no longer.
		known.pending = t.held || t.source != known
	}
	known.gone = false
	t.missing, t.held = time.Time{}, false
}

// leave takes down that a file is not there. If another one of its tenant is, then
// that one's turn has come; else the tenant is missing.
func (f *Follower) leave(known *file, now time.Time) {
	t := known.tenant
	known.gone, known.pending = true, false
	if !t.there() {
		t.missing = now
		if t.source == nil {
			t.source = known
		}
		return
	}
	if t.source != known {
		f.forget(known)
		return
	}
	for _, other := range t.files {
		other.pending = !other.gone
	}
}

package tenantdir

import (
	"cmp"
	"slices"
	"strings"
)

// Ignored is a file in a tenant folder that brings no tenant, although it looks as if
// it did.
type Ignored struct {
	Path   string
	Reason string
}

// Ignored answers the files that look like a tenant's and bring none, by path: at
// most a hundred whose names are wrong, and all whose id is another's.
func (f *Follower) Ignored() []Ignored {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Ignored
	for path, why := range f.ignored {
		out = append(out, Ignored{path, why})
	}
	for path, known := range f.files {
		if known.unused != "" && !known.gone && f.ignored[path] == "" {
			out = append(out, Ignored{path, known.unused})
		}
	}
	slices.SortFunc(out, func(a, b Ignored) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// IsTenantFile says whether a file of that name in a tenant folder is a tenant's; if not,
// and somebody may take it for one, why it is none.
func IsTenantFile(name string) (is bool, why string) {
	if isTenant(name) {
		return true, ""
	}
	if resembles(name) {
		return false, misnamed()
	}
	return false, ""
}

func misnamed() string { return "its name does not end with " + strings.Join(extensions, ", ") }

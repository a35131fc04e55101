package tenantdir

import (
	"cmp"
	"slices"
)

// Ignored is a file in a tenant folder that is not used for any tenant, although its name is
// that of a tenant file or similar.
type Ignored struct {
	Path   string
	Reason string
}

// Ignored returns the ignored files, sorted by path: at most maxIgnored files with unsuitable
// names or types, and all files whose tenant comes from elsewhere.
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

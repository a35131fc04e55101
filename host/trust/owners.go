package trust

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Owners are the users whose files are trusted: root, the user that the process runs as, and
// those added by WithOwnerOf. The zero value has the first two. It is never changed.
type Owners struct{ more []int }

// WithOwnerOf returns the owners and the owner of the file at path, where its links lead. It
// is for the file that says what a host does: who may change that file may do all that the
// host does. A path that is empty or cannot be read adds nobody.
func (o Owners) WithOwnerOf(path string) Owners {
	if info, err := os.Stat(path); err == nil && path != "" {
		if uid, ok := ownerOf(info); ok {
			return Owners{append(slices.Clone(o.more), uid)}
		}
	}
	return o
}

// trusts reports whether the user's files are trusted.
func (o Owners) trusts(uid int) bool {
	return uid == 0 || uid == os.Geteuid() || slices.Contains(o.more, uid) || uid == unmapped()
}

// CheckOwner returns a [Finding] if the owner in info, which is that of the file at path, is
// not trusted. It does not look at modes.
func (o Owners) CheckOwner(path string, info fs.FileInfo) error {
	uid, ok := ownerOf(info)
	if !ok || o.trusts(uid) {
		return nil
	}
	return Finding{
		Path: path, Owner: true,
		Problem: fmt.Sprintf("belongs to user %d, who may change it; expected root or user %d, who the host runs as", uid, os.Geteuid()),
		Mend:    fmt.Sprintf("chown %d %s", os.Geteuid(), Quote(path)),
	}
}

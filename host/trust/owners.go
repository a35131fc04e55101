package trust

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Owners are the users whose files are trusted: root, the user that the process runs as, and the
// users added by WithOwnerOf. The zero value trusts root and the user of the process. Owners is
// immutable.
type Owners struct{ more []int }

// WithOwnerOf returns Owners that also trust the owner of the file at path; it follows links.
// Callers pass the path of the host file, because a user who may change the host file may do
// everything that the host does. If the path is empty or the file cannot be read, WithOwnerOf adds
// no user.
func (o Owners) WithOwnerOf(path string) Owners {
	if info, err := os.Stat(path); err == nil && path != "" {
		if uid, ok := ownerOf(info); ok {
			return Owners{append(slices.Clone(o.more), uid)}
		}
	}
	return o
}

// trusts reports whether files of the user are trusted.
func (o Owners) trusts(uid int) bool {
	return uid == 0 || uid == os.Geteuid() || slices.Contains(o.more, uid) || uid == unmapped()
}

// CheckOwner returns a [Finding] if the owner of the file at path is not trusted. info describes
// that file. CheckOwner ignores the mode.
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

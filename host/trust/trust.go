package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Owners are the users whose files are trusted: root, who the process runs as, and those
// who may change what the process is told to do anyway. The zero value has the first two.
type Owners struct{ more []int }

// With returns the owners, and the owner of the file at path, where its links lead: of
// the file that says what a host does. One that cannot be looked at adds nobody.
func (o Owners) With(path string) Owners {
	if info, err := os.Stat(path); err == nil && path != "" {
		if uid, ok := ownerOf(info); ok {
			return Owners{append(slices.Clone(o.more), uid)}
		}
	}
	return o
}

// Has reports whether the user's files are trusted.
func (o Owners) Has(uid int) bool {
	return uid == 0 || uid == os.Geteuid() || slices.Contains(o.more, uid) || uid == unmapped()
}

// Finding is somebody else's power over a path.
type Finding struct {
	Path    string // of the file, the folder or the link that is to be mended
	Problem string // what is wrong with it: "is writable by everyone"
	Mend    string // the shell command that mends it
	Owner   bool   // it is about whose it is, not about its mode
}

func (f Finding) Error() string { return fmt.Sprintf("%s %s (%s)", f.Path, f.Problem, f.Mend) }

// maxLinks bounds the links on one way, as the system does.
const maxLinks = 40

// Unchangeable returns by what others may change the file or folder at path, or put another
// in its place: it is writable by them, it is another user's, or a folder or a link on the
// way is. The first found is the error, a [Finding], or what the system says.
func (o Owners) Unchangeable(path string) error {
	if err := o.Way(path); err != nil {
		return err
	}
	return o.Itself(path)
}

// Itself is Unchangeable for what path leads to alone, without the way to it.
func (o Owners) Itself(path string) error {
	real, info, err := resolve(path)
	if err != nil {
		return err
	}
	if err := o.Owned(real, info); err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 && !othersKeptOut(real) {
		return writable(real)
	}
	return nil
}

// Way is Unchangeable for the folders and links on the way to path alone.
func (o Owners) Way(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	var links int
	at, rest := "/", strings.Split(strings.Trim(path, "/"), "/")
	if path == "/" {
		return nil
	}
	for len(rest) > 0 {
		folder, err := os.Lstat(at)
		if err != nil {
			return err
		}
		if err := o.Owned(at, folder); err != nil {
			return err
		}
		next := filepath.Join(at, rest[0])
		entry, err := os.Lstat(next)
		if err != nil {
			return err
		}
		if folder.Mode().Perm()&0o002 != 0 && !othersKeptOut(at) {
			// In a folder as /tmp, an entry is its owner's alone.
			if folder.Mode()&fs.ModeSticky == 0 {
				return writable(at)
			}
			if err := o.Owned(next, entry); err != nil {
				return err
			}
		}
		rest = rest[1:]
		switch {
		case entry.Mode()&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return &fs.PathError{Op: "stat", Path: path, Err: errors.New("too many links")}
			}
			to, err := os.Readlink(next)
			if err != nil {
				return err
			}
			if to = filepath.Clean(to); filepath.IsAbs(to) {
				at = "/"
			}
			rest = append(strings.Split(strings.Trim(to, "/"), "/"), rest...)
		default:
			at = next
		}
	}
	return nil
}

// resolve gives what the path leads to.
func resolve(path string) (string, fs.FileInfo, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return "", nil, err
	}
	info, err := os.Stat(real)
	return real, info, err
}

// Owned returns whose the file at path is, whose owner info has, if that is nobody of the
// owners: the error is a [Finding].
func (o Owners) Owned(path string, info fs.FileInfo) error {
	uid, ok := ownerOf(info)
	if !ok || o.Has(uid) {
		return nil
	}
	return Finding{
		Path: path, Owner: true,
		Problem: fmt.Sprintf("belongs to user %d, who may change it; expected root or user %d, who the host runs as", uid, os.Geteuid()),
		Mend:    fmt.Sprintf("chown %d %s", os.Geteuid(), Quote(path)),
	}
}

func writable(path string) error {
	return Finding{Path: path, Problem: "is writable by everyone", Mend: "chmod o-w " + Quote(path)}
}

// Secret returns by what others than its owner and its group may read or change the file,
// whose mode and owner info has: the error is a [Finding] of path.
func (o Owners) Secret(path string, info fs.FileInfo) error {
	if err := o.Owned(path, info); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return Finding{Path: path, Problem: fmt.Sprintf("has mode %04o: others than its owner and group may access it", mode), Mend: "chmod o= " + Quote(path)}
	}
	return nil
}

// Quote writes a path as a word of a shell's command.
func Quote(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 && path[0] != '-' {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

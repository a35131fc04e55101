package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many links one path may have, which is also the limit of Linux.
const maxLinks = 40

// CheckPath returns an error if an untrusted user may change or replace the file or folder at path.
// An untrusted user may do so if the file, or any folder or link on the path to it, belongs to that
// user or is writable by everyone. The error is the first [Finding], or an error of the operating
// system.
func (o Owners) CheckPath(path string) error {
	if err := o.CheckParents(path); err != nil {
		return err
	}
	return o.CheckTarget(path)
}

// CheckTarget is like CheckPath, but checks only the file or folder at path, after following links.
func (o Owners) CheckTarget(path string) error {
	real, info, err := resolve(path)
	if err != nil {
		return err
	}
	if err := o.CheckOwner(real, info); err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 && !isolated(real) {
		return writable(real)
	}
	return nil
}

// CheckParents is like CheckPath, but checks only the folders and links on the path to the file.
func (o Owners) CheckParents(path string) error {
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
		if err := o.CheckOwner(at, folder); err != nil {
			return err
		}
		next := filepath.Join(at, rest[0])
		entry, err := os.Lstat(next)
		if err != nil {
			return err
		}
		if folder.Mode().Perm()&0o002 != 0 && !isolated(at) {
			// In a sticky folder such as /tmp, only the owner of an entry can replace the entry.
			if folder.Mode()&fs.ModeSticky == 0 {
				return writable(at)
			}
			if err := o.CheckOwner(next, entry); err != nil {
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

// resolve returns the absolute path without links, and the file info of its target.
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

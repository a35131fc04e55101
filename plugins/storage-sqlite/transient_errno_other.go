//go:build !unix

package sqlitestore

// transientErrno reports whether a failed creation of a file may succeed later at the same path.
func transientErrno(error) bool { return false }

func outOfSpace(error) bool { return false }

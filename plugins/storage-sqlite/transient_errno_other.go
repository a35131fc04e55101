//go:build !unix

package sqlitestore

// transientErrno reports whether an error of creating a file may pass with the same path.
func transientErrno(error) bool { return false }

func outOfSpace(error) bool { return false }

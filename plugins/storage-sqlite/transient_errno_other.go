//go:build !unix

package sqlitestore

// transientErrno reports whether the creation of a file that failed with the error may succeed
// later at the same path.
func transientErrno(error) bool { return false }

func outOfSpace(error) bool { return false }

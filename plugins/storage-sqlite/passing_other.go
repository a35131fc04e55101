//go:build !unix

package sqlitestore

// passing reports whether the trouble of making a file ends without another path.
func passing(error) bool { return false }

func outOfSpace(error) bool { return false }

package config

import (
	"fmt"
	"strings"
)

// ValidTenantID returns why the id of a tenant is invalid, or nil if it is valid. The id is used
// as the name of a file and of a folder, so it must not be a path to another place.
func ValidTenantID(id string) error {
	if !isTenantID(id) {
		if len(id) > 64 {
			id = id[:64] + "..."
		}
		return fmt.Errorf("%q is not a tenant id; expected 1 to 64 letters, digits and . _ -, beginning with a letter or digit, without %q", id, "..")
	}
	return nil
}

// isTenantID reports whether the id matches ^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$ and has no two dots in a
// row. Each request calls it, and a regular expression takes ten times as long.
func isTenantID(id string) bool {
	if len(id) < 1 || len(id) > 64 || strings.Contains(id, "..") {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return true
}

package config

import (
	"fmt"
	"regexp"
	"strings"
)

var tenantID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)

// ValidTenantID returns what is wrong with a tenant's id; nil for nothing. The id is the name of
// a file and of a folder, and must not lead anywhere else.
func ValidTenantID(id string) error {
	if !tenantID.MatchString(id) || strings.Contains(id, "..") {
		if len(id) > 64 {
			id = id[:64] + "..."
		}
		return fmt.Errorf("%q is not a tenant id; expected 1 to 64 letters, digits and . _ -, beginning with a letter or digit, without %q", id, "..")
	}
	return nil
}

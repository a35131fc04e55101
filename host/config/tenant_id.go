package config

import (
	"fmt"
	"regexp"
	"strings"
)

var tenantID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)

// ValidTenantID returns why the id of a tenant is invalid, or nil if it is valid. The id is used
// as the name of a file and of a folder, so it must not be a path to another place.
func ValidTenantID(id string) error {
	if !tenantID.MatchString(id) || strings.Contains(id, "..") {
		if len(id) > 64 {
			id = id[:64] + "..."
		}
		return fmt.Errorf("%q is not a tenant id; expected 1 to 64 letters, digits and . _ -, beginning with a letter or digit, without %q", id, "..")
	}
	return nil
}

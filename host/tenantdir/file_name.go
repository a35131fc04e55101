package tenantdir

import (
	"path/filepath"
	"slices"
	"strings"
)

var extensions = []string{".hcl", ".json", ".yaml", ".yml"}

// IsTenantFile reports whether a file of this name in a tenant folder is a tenant file. If the
// name is only similar to that of a tenant file, why says what is wrong with it.
func IsTenantFile(name string) (is bool, why string) {
	if isTenant(name) {
		return true, ""
	}
	if resembles(name) {
		return false, misnamed()
	}
	return false, ""
}

// isTenant reports whether a file of this name is a tenant file.
func isTenant(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains(extensions, filepath.Ext(name))
}

// resembles reports whether the name of a file is similar to that of a tenant file, such as
// acme.YAML or acme.yaml.bak. It returns false for names of an editor's temporary files.
func resembles(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") {
		return false
	}
	parts := strings.Split(strings.ToLower(name), ".")
	return slices.ContainsFunc(parts[1:], func(part string) bool { return slices.Contains(extensions, "."+part) })
}

func misnamed() string { return "its name does not end with " + strings.Join(extensions, ", ") }

// idOf returns the tenant id of a file: its name without the extension.
func idOf(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

package archive

import (
	"maps"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
)

// allKeys stands for all keys of a document in a list of paths.
const allKeys = "*"

// newTenantLine returns the line with the tenant's configuration, without its secrets. If the
// host does not know which keys are secret, newTenantLine leaves out all keys.
func newTenantLine(s *registry.Snapshot) *tenantLine {
	line := &tenantLine{Type: TypeTenant, Config: s.Document.Values(), LeftOut: []string{}}
	if s.Own != nil {
		line.Own = s.Own.Values()
		line.OwnLeftOut = removeKeys(line.Own, s.OwnSecrets)
	}
	if s.Document == nil { // the document is a file on another host
		line.LeftOut = append(line.LeftOut, allKeys)
		return line
	}
	if s.Effective == nil {
		// The configuration is not valid now. Only a valid configuration tells which keys are
		// secret.
		for _, key := range slices.Sorted(maps.Keys(line.Config)) {
			line.LeftOut = append(line.LeftOut, config.Path{key}.String())
		}
		line.Config = map[string]any{}
		return line
	}
	line.LeftOut = append(line.LeftOut, removeKeys(line.Config, s.Secrets)...)
	return line
}

// removeKeys removes the keys at the paths from a tree. It returns the paths of the removed
// keys, sorted.
func removeKeys(tree map[string]any, paths []config.Path) (removed []string) {
	for _, path := range paths {
		if at, ok := removeKey(tree, path); ok {
			removed = append(removed, at.String())
		}
	}
	slices.SortFunc(removed, strings.Compare)
	return slices.Compact(removed)
}

// removeKey removes the key at path from a tree. If the path goes into a list, removeKey
// removes the whole list. It returns the path of the removed key, and false if the tree has no
// such key.
func removeKey(tree map[string]any, path config.Path) (config.Path, bool) {
	for i, key := range path {
		value, ok := tree[key]
		if !ok {
			break
		}
		next, isMap := value.(map[string]any)
		if !isMap || i == len(path)-1 {
			delete(tree, key)
			return path[:i+1], true
		}
		tree = next
	}
	return nil, false
}

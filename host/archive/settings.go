package archive

import (
	"maps"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
)

// everything stands for the path of all keys.
const everything = "*"

// settings are the tenant's own, without what is secret.
func settings(s *registry.Estate) *tenantLine {
	line := &tenantLine{Type: TypeTenant, Config: s.Document.Values(), LeftOut: []string{}}
	if s.Own != nil {
		line.Own = s.Own.Values()
		line.OwnLeftOut = removeAll(line.Own, s.OwnSecrets)
	}
	if s.Document == nil { // another host has it, in a file
		line.LeftOut = append(line.LeftOut, everything)
		return line
	}
	if s.Effective == nil {
		// Nothing tells its secrets from the rest.
		for _, key := range slices.Sorted(maps.Keys(line.Config)) {
			line.LeftOut = append(line.LeftOut, config.Path{key}.String())
		}
		line.Config = map[string]any{}
		return line
	}
	line.LeftOut = append(line.LeftOut, removeAll(line.Config, s.Secrets)...)
	return line
}

// removeAll takes the keys at the paths out of a tree, and answers what it took, sorted.
func removeAll(tree map[string]any, paths []config.Path) (left []string) {
	for _, path := range paths {
		if gone, ok := remove(tree, path); ok {
			left = append(left, gone.String())
		}
	}
	slices.SortFunc(left, strings.Compare)
	return slices.Compact(left)
}

// remove takes a key out of a tree; of a list that has a secret, the list. It answers
// what it took out, or false if nothing was there.
func remove(tree map[string]any, path config.Path) (config.Path, bool) {
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

package feature

import (
	"slices"
	"strings"

	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// The names of the features. The enum Feature of the protocol describes each of them.
const (
	Egress         = "egress"          // all kinds: the instances connect only with Env.Dialer
	Embed          = "embed"           // llm: the instances implement llm.Embedder
	Tools          = "tools"           // llm: the instances obey Tools, ToolChoice and ParallelToolCalls, or refuse them
	ResponseFormat = "response_format" // llm: the instances obey ResponseFormat, or refuse it
	Overrides      = "overrides"       // llm: the instances obey Overrides, or refuse them
	Remember       = "remember"        // memory: the instances implement memory.Rememberer
	Forget         = "forget"          // memory: the instances implement memory.Forgetter
	Renew          = "renew"           // storage: the instances implement storage.Renewer
	Import         = "import"          // storage: the instances implement storage.Importer
	Migrate        = "migrate"         // storage: the instances implement storage.Migrator
	Backup         = "backup"          // storage: the instances implement storage.Backuper
	Watch          = "watch"           // storage: the instances implement storage.TenantWatcher
	Work           = "work"            // memory: the instances implement memory.Worker
	Retract        = "retract"         // storage: the instances obey RetractFrom, and import retractions
	Branch         = "branch"          // storage: the instances implement storage.Brancher
	Cursor         = "cursor"          // storage: the instances implement storage.CursorStore, and obey CursorKey
	Owners         = "owners"          // storage: the instances obey Owned and Wrote, and delete what a user wrote
)

// known has the names of all features, sorted.
var known = func() []string {
	var names []string
	for n := range pluginv1.Feature_name {
		if n != 0 {
			names = append(names, nameOf(pluginv1.Feature(n)))
		}
	}
	slices.Sort(names)
	return names
}()

// Known returns the names of all features that this version of the protocol has, sorted.
func Known() []string { return slices.Clone(known) }

// IsKnown reports whether this version of the protocol has a feature with this name.
func IsKnown(name string) bool {
	_, found := slices.BinarySearch(known, name)
	return found
}

// nameOf returns the name by which GetInfo lists a feature.
func nameOf(f pluginv1.Feature) string {
	return strings.ToLower(strings.TrimPrefix(f.String(), "FEATURE_"))
}

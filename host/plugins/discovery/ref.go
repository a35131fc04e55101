package discovery

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// kinds are the kinds of plugins that this host knows.
var kinds = []string{llm.Kind, memory.Kind, storage.Kind}

// pluginFileName is the form of a plugin's file name. It allows no dot, because
// half-copied files and backup files have one.
var pluginFileName = regexp.MustCompile(`^botyard-(` + strings.Join(kinds, "|") + `)-([a-z0-9]+(?:[-_][a-z0-9]+)*)$`)

// IsPluginFile reports whether a file of that name in a plugin folder is a plugin.
func IsPluginFile(name string) bool { return pluginFileName.MatchString(name) }

// Ref names a plugin. No two plugins have the same Ref.
type Ref struct{ Kind, Name string }

// String returns the plugin's name in messages, such as "llm plugin echo".
func (r Ref) String() string { return fmt.Sprintf("%s plugin %s", r.Kind, r.Name) }

// Compare orders plugins by kind, then by name.
func (r Ref) Compare(other Ref) int {
	return cmp.Or(cmp.Compare(r.Kind, other.Kind), cmp.Compare(r.Name, other.Name))
}

// refOf returns the plugin that a file of that name is.
func refOf(fileName string) (r Ref, ok bool) {
	match := pluginFileName.FindStringSubmatch(fileName)
	if match == nil {
		return Ref{}, false
	}
	return Ref{Kind: match[1], Name: match[2]}, true
}

// Binary is a plugin's file as a scan found it. It is not changed afterwards.
type Binary struct {
	Ref
	Path string
	// SHA256 is the checksum in lower-case hex. It is empty when the file could not be read.
	SHA256 string
	// Refusal says why the file must not be run. It is nil if the file may be run.
	Refusal error
}

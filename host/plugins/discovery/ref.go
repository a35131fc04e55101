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

// kinds lists the kinds of plugins that this host supports.
var kinds = []string{llm.Kind, memory.Kind, storage.Kind}

// pluginFileName matches the file name of a plugin. It matches no name with a dot, because
// names of half-copied files and backup files have a dot.
var pluginFileName = regexp.MustCompile(`^botyard-(` + strings.Join(kinds, "|") + `)-([a-z0-9]+(?:[-_][a-z0-9]+)*)$`)

// IsPluginFile reports whether name is the file name of a plugin.
func IsPluginFile(name string) bool { return pluginFileName.MatchString(name) }

// Ref identifies a plugin by its kind and name. Each plugin of a host has a Ref of its own.
type Ref struct{ Kind, Name string }

// String returns the plugin's name in messages, such as "llm plugin echo".
func (r Ref) String() string { return fmt.Sprintf("%s plugin %s", r.Kind, r.Name) }

// Compare orders plugins by kind, then by name.
func (r Ref) Compare(other Ref) int {
	return cmp.Or(cmp.Compare(r.Kind, other.Kind), cmp.Compare(r.Name, other.Name))
}

// refOf returns the Ref of the plugin whose file has that name. ok is false if the name is
// not that of a plugin file.
func refOf(fileName string) (r Ref, ok bool) {
	match := pluginFileName.FindStringSubmatch(fileName)
	if match == nil {
		return Ref{}, false
	}
	return Ref{Kind: match[1], Name: match[2]}, true
}

// Binary describes a plugin's file, as a scan found it. A Binary does not change after the
// scan.
type Binary struct {
	Ref
	Path string
	// SHA256 is the checksum in lower-case hex. It is empty if the file could not be read.
	SHA256 string
	// Refusal says why the file must not be run. It is nil if the file may be run.
	Refusal error
}

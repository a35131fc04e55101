package host

import (
	"io/fs"
	"path/filepath"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/hashicorp/go-hclog"
)

// Options are what a program sets when it opens a host. With the zero value the host has no
// configuration files, and its tenants bring all their settings.
type Options struct {
	ConfigFile string         // host file, in HCL, YAML or JSON
	Config     map[string]any // takes the place of a host file if ConfigFile is empty
	Overlay    string         // file that is merged over the host file
	// Environ lists the environment variables that the host reads, in the form of os.Environ:
	// the BOTYARD__ variables, and those that references name. Nil means none.
	Environ []string

	// If these are set, they replace the values of the host file.
	Listen     string
	PluginDirs []string
	TenantDirs []string

	// Preflight returns why the program refuses settings that the host would take, such as
	// an address that it will not listen on. The problems have the paths of the keys. It must
	// not write anything. Nil refuses nothing.
	Preflight func(config.Settings) config.Problems

	// RetainEvery is the time between two searches for conversations that are older than
	// their tenant keeps them; 0 is an hour.
	RetainEvery time.Duration

	Log hclog.Logger // nil logs nothing
	// DroppedLogLines returns how many lines of Log were lost, for the metrics. May be nil.
	DroppedLogLines func() int64

	dialing   []egress.Option                     // tests set how names are looked up
	openToAll func(path string, mode fs.FileMode) // called with each file with a secret that all users may read; set by Open
}

// over returns the settings with the values that the options set.
func (o Options) over(s config.Settings) config.Settings {
	if o.Listen != "" {
		s.Listen = o.Listen
	}
	if o.PluginDirs != nil {
		s.PluginDirs = o.PluginDirs
	}
	if o.TenantDirs != nil {
		s.TenantDirs = o.TenantDirs
	}
	return s
}

// keepsData reports whether the host has a data_dir for its key and its data.
func (o Options) keepsData() bool { return o.ConfigFile != "" || o.Config["data_dir"] != nil }

// PluginData returns the folder below which plugins keep files.
func PluginData(s config.Settings) string { return filepath.Join(s.DataDir, "plugins") }

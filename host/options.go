package host

import (
	"io/fs"
	"path/filepath"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/hashicorp/go-hclog"
)

// Options is what a program sets when it opens a host. With the zero value the host has no
// configuration files, and its tenants bring all their settings.
type Options struct {
	ConfigFile string         // path of the host file, in HCL, YAML or JSON
	Config     map[string]any // parsed host file, used if ConfigFile is empty
	Overlay    string         // path of a file that is merged over the host file
	// Environ lists the environment variables that the host reads, in the form of os.Environ. The
	// host uses the BOTYARD__ variables and the variables that references name. Nil means none.
	Environ []string

	// These values replace the values of the host file if they are set.
	Listen     string
	PluginDirs []string
	TenantDirs []string

	// Preflight returns problems because of which the program refuses settings that the host
	// itself accepts, such as a listen address that the program does not allow. The problems have
	// the paths of the keys. Preflight must not write anything. Nil refuses nothing.
	Preflight func(config.Settings) config.Problems

	// RetainEvery is the time between two searches for conversations that are older than the
	// retention period of their tenant. 0 means one hour.
	RetainEvery time.Duration

	// FollowEvery is the time between two searches for conversations that the memories of their
	// tenants have not followed. 0 means ten minutes. The first search comes after a tenth of it.
	FollowEvery time.Duration

	Log hclog.Logger // nil logs nothing
	// DroppedLogLines returns the number of lost lines of Log, for the metrics. May be nil.
	DroppedLogLines func() int64

	dialing   []egress.Option                     // tests set the resolver here
	openToAll func(path string, mode fs.FileMode) // called with each file with a secret that all users may read; Open sets it
}

// over returns a copy of the settings in which the values that the options set replace those of
// the files.
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

// PluginData returns the folder that contains the data folders of plugins.
func PluginData(s config.Settings) string { return filepath.Join(s.DataDir, "plugins") }

package plugins

import (
	"context"
	"os"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/trust"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/hashicorp/go-hclog"
)

// Options configure a Manager. The zero value finds no plugins and is valid.
type Options struct {
	// Dirs are the plugin folders. Where two have the same plugin, the first wins.
	Dirs []string
	// Owners are the users whose plugins are run: nobody else may be able to change a
	// plugin's file, nor a folder or a link on the way to it.
	Owners trust.Owners
	// Settings returns the operator's settings of a plugin; nil gives the defaults. It is
	// asked at each start of a process and by Reconfigure, from several goroutines.
	Settings func(kind, name string) config.PluginSettings
	// RuntimeDir is where the private folder with the plugins' sockets is made. Empty
	// is os.TempDir().
	RuntimeDir string
	// DataDir, absolute, is where each plugin has a folder of its own for files that
	// outlive it. Empty: plugins keep no files.
	DataDir string
	// Wanted returns the configuration that a tenant has of a plugin now, as Spec.Config and
	// Spec.Egress; nil if it has none. It is called from time to time while a new binary is
	// not used because it refuses tenants' configurations. Without Wanted, such a binary is
	// tried again only when its file or its settings change.
	Wanted func(ctx context.Context, kind, name, tenant string) ([]byte, egress.Policy, error)
	// Log gets the events of plugins, and their output. Nil discards both.
	Log hclog.Logger
	// DrainTimeout bounds how long Close leaves a process to its calls; default 30 s. A
	// process that is replaced is left to them until they end.
	DrainTimeout time.Duration
	// IdleRelease is how long an instance outlives its last user; default 30 s.
	IdleRelease time.Duration

	maxInstances int // how many instances a plugin may have; tests set a lower bound
}

// setDefaults sets the fields that have a default and are not set.
func (o *Options) setDefaults() {
	if o.Settings == nil {
		o.Settings = (&config.Settings{}).Plugin
	}
	if o.RuntimeDir == "" {
		o.RuntimeDir = os.TempDir()
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = 30 * time.Second
	}
	if o.maxInstances == 0 {
		o.maxInstances = bounds.InstancesOfAll
	}
	if o.IdleRelease <= 0 {
		o.IdleRelease = 30 * time.Second
	}
}

// settings returns the operator's settings of the plugin, with defaults for what is not set.
func (o *Options) settings(r discovery.Ref) config.PluginSettings {
	s := o.Settings(r.Kind, r.Name)
	if s.MaxCalls <= 0 {
		s.MaxCalls = 256
	}
	if s.Isolation == "" {
		s.Isolation = isolationShared
	}
	if s.StartTimeout <= 0 {
		s.StartTimeout = 10 * time.Second
	}
	if s.CallTimeout <= 0 {
		s.CallTimeout = 30 * time.Second
	}
	return s
}

const (
	isolationShared = "shared"
	isolationTenant = "tenant"
)

// PluginRef names a plugin and its version.
type PluginRef struct {
	Kind, Name, Version string
}

package plugins

import (
	"context"
	"os"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/trust"
	"github.com/hashicorp/go-hclog"
)

// Options configures a Manager. The zero value is valid, and finds no plugins.
type Options struct {
	// Dirs are the plugin folders. If two folders have the same plugin, the folder that is
	// earlier in Dirs wins.
	Dirs []string
	// Owners are the users whose plugins are run. No other user may be able to change a
	// plugin's file, or a folder or link in its path.
	Owners trust.Owners
	// Settings returns the operator's settings of a plugin. A nil Settings means the
	// default settings. The manager calls it from several goroutines, at each start of a
	// process and in Reconfigure.
	Settings func(kind, name string) config.PluginSettings
	// RuntimeDir is the folder in which the manager creates its private folder with the
	// plugins' sockets. An empty RuntimeDir means os.TempDir().
	RuntimeDir string
	// DataDir is an absolute path. In this folder, each plugin has a folder for files that
	// outlive the plugin's processes. If DataDir is empty, plugins have no such folder.
	DataDir string
	// Wanted returns the specs of all instances of the plugin that the tenant currently
	// uses: none if the tenant does not use the plugin. The manager calls Wanted
	// repeatedly while it does not use a new binary because the binary refuses
	// configurations of tenants. Without Wanted, the manager tries such a binary again only
	// when its file or its settings change.
	Wanted func(ctx context.Context, kind, name, tenant string) ([]Spec, error)
	// HostVersion is the version of the host, which plugins get. It may be empty.
	HostVersion string
	// Log receives the events and the output of plugins. A nil Log discards both.
	Log hclog.Logger
	// DrainTimeout is how long Close waits for running calls. The default is 30 seconds. It
	// does not apply to a replaced process, which runs until its calls have ended.
	DrainTimeout time.Duration
	// IdleRelease is how long an instance without holders is kept before its release. The
	// default is 30 seconds.
	IdleRelease time.Duration

	maxInstances int // how many instances a plugin may have; tests set a lower number
}

// setDefaults sets all unset fields that have a default.
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

// settings returns the operator's settings of the plugin, with defaults for unset fields.
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

// PluginRef identifies a plugin and its version.
type PluginRef struct {
	Kind, Name, Version string
}

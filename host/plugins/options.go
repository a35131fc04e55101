package plugins

import (
	"context"
	"os"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
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
	// Settings says what the operator wants of a plugin; nil gives the defaults. It is
	// asked at each start of a process and by Reconfigure, from several goroutines.
	Settings func(kind, name string) config.PluginSettings
	// RuntimeDir is where the private folder with the plugins' sockets is made. Empty
	// is os.TempDir().
	RuntimeDir string
	// DataDir, absolute, is where each plugin has a folder of its own for files that
	// outlive it. Empty: plugins keep no files.
	DataDir string
	// Wanted answers the configuration that a tenant has of a plugin now, as Spec.Config and
	// Spec.Egress; nil if it has none, and an error if that cannot be said. It is asked from time to
	// time while a new binary is refused because it refuses tenants' configurations. Nil:
	// such a binary is tried again only when its file or its settings change.
	Wanted func(ctx context.Context, kind, name, tenant string) ([]byte, egress.Policy, error)
	// Log gets what happens to plugins and what they say themselves. Nil discards.
	Log hclog.Logger
	// DrainTimeout bounds how long Close leaves a process to its calls; default 30 s. A
	// process that is replaced is left to them until they end.
	DrainTimeout time.Duration
	// IdleRelease is how long an instance outlives its last user; default 30 s.
	IdleRelease time.Duration

	most int // instances of a plugin; a test may have fewer
}

// timing holds what no operator sets. Tests make it short.
type timing struct {
	probeEvery, probeDeadline, probeAgain time.Duration

	backoffBase, backoffMax time.Duration
	healthyAfter            time.Duration // a process that lived so long has not failed
	quarantineAfter         int           // failures in a row ...
	quarantineWindow        time.Duration // ... within this
	quarantineRetry         time.Duration

	stopGrace       time.Duration // between the request to end and SIGKILL
	outputGrace     time.Duration // for the last output of a process that ended
	exitNotice      time.Duration // between a broken connection and the news of the exit
	reconsiderEvery time.Duration // between looks whether what a new version refuses is still in use, at first
	debounce        time.Duration // of changes in plugin folders
	trial           time.Duration // a new version that ends so soon gives its place back
	hold            time.Duration // in which calls wait for those of an exclusive plugin that is to be replaced, at first
	pollEvery       time.Duration // between polls of plugin folders, for what no event tells
	pollOnly        bool          // no events of plugin folders are used

	blamePause, blameMost time.Duration // how long a tenant is kept away, at first and at most
	suspected             time.Duration // how long a suspect stays in a cell, at first
	blameMemory           time.Duration // how long a tenant is remembered for what it did
	lingering             time.Duration // how long a call that was abandoned may still be at work
}

// ofProcess returns the part of the timing that counts for a process.
func (t timing) ofProcess() process.Timing {
	return process.Timing{
		ProbeEvery: t.probeEvery, ProbeDeadline: t.probeDeadline, ProbeAgain: t.probeAgain,
		StopGrace: t.stopGrace, OutputGrace: t.outputGrace, ExitNotice: t.exitNotice,
	}
}

func defaultTiming() timing {
	return timing{
		probeEvery: 5 * time.Second, probeDeadline: 3 * time.Second, probeAgain: time.Second,
		backoffBase: 100 * time.Millisecond, backoffMax: 10 * time.Second,
		healthyAfter: time.Minute, quarantineAfter: 6, quarantineWindow: 2 * time.Minute,
		quarantineRetry: time.Minute,
		stopGrace:       5 * time.Second, outputGrace: 500 * time.Millisecond,
		exitNotice: 250 * time.Millisecond, debounce: 300 * time.Millisecond,
		blamePause: bounds.BlamePause, blameMost: bounds.BlameMost, suspected: bounds.SuspectTime, blameMemory: bounds.BlameMemory,
		lingering: bounds.AbandonedTime,
		pollEvery: time.Second, reconsiderEvery: 2 * time.Second, trial: 15 * time.Second,
		hold: time.Second,
	}
}

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
	if o.most == 0 {
		o.most = bounds.InstancesOfAll
	}
	if o.IdleRelease <= 0 {
		o.IdleRelease = 30 * time.Second
	}
}

// settings are the operator's, with usable values where they say nothing.
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

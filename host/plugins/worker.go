package plugins

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
)

// worker is a plugin process with what the manager knows of it: the instances that are
// configured in it and the calls that it works on.
type worker struct {
	*process.Process
	calls callLog // whose calls it works on

	replaced atomic.Bool // another process takes its calls

	mu     sync.Mutex
	setups map[*instance]*setup

	// Under the lock of the supervisor.
	inflight int           // calls that hold the worker
	idle     chan struct{} // not nil while draining; closed when inflight is 0
}

// launch starts a process with the settings that count now. Its errors are those of
// process.Launcher.
func (m *Manager) launch(ctx context.Context, bin *discovery.Binary, scope string) (*worker, error) {
	return m.launchWith(ctx, bin, scope, m.opts.settings(bin.Ref))
}

// launchWith is launch with settings that need not count yet.
func (m *Manager) launchWith(ctx context.Context, bin *discovery.Binary, scope string, settings config.PluginSettings) (*worker, error) {
	p, err := m.launcher.Launch(ctx, process.Request{Binary: bin, Tenant: scope, Settings: settings})
	if err != nil {
		return nil, err
	}
	return &worker{Process: p, setups: map[*instance]*setup{}}, nil
}

// answer returns what the process says of itself.
func (w *worker) answer() answer { return answer{w.Binary.SHA256, w.Schema, w.Info} }

package plugins

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
)

// worker is a plugin process together with the data of the manager about it: the instances
// that are configured in it, and its calls.
type worker struct {
	*process.Process
	calls callLog // the calls that the process works on
	// permits has as many slots as the process takes calls at once, for calls of all kinds.
	// It is nil if the process takes any number.
	permits *admission.Queue

	replaced atomic.Bool // whether another process has replaced this one

	mu     sync.Mutex
	setups map[*instance]*setup

	// supervisor.mu guards the following fields.
	inflight int           // the number of calls between acquire and giveBack
	idle     chan struct{} // nil until draining; closed when inflight is 0
}

// launch starts a process with the operator's current settings. It returns the errors of
// process.Launcher.
func (m *Manager) launch(ctx context.Context, bin *discovery.Binary, scope string) (*worker, error) {
	return m.launchWith(ctx, bin, scope, m.opts.settings(bin.Ref))
}

// launchWith is launch with the given settings.
func (m *Manager) launchWith(ctx context.Context, bin *discovery.Binary, scope string, settings config.PluginSettings) (*worker, error) {
	p, err := m.launcher.Launch(ctx, process.Request{Binary: bin, Tenant: scope, Settings: settings})
	if err != nil {
		return nil, err
	}
	w := &worker{Process: p, setups: map[*instance]*setup{}}
	if n := p.Info.MaxConcurrentCalls; n > 0 {
		w.permits = admission.NewQueue(int(n), nil)
	}
	return w, nil
}

// permit waits until the process takes one more call. Each call of the process has a
// permit, whether the supervisor's queue has let it in or it passed beside the queue. The
// caller must call release exactly once, when the call has ended.
func (w *worker) permit(ctx context.Context, in *instance, tenant string) (release func(), err error) {
	if w.permits == nil {
		return func() {}, nil
	}
	return w.permits.Acquire(ctx, admission.Claim{Tenant: tenant, Instance: in.digest})
}

// answer returns what the plugin says about itself.
func (w *worker) answer() answer { return answer{w.Binary.SHA256, w.Schema, w.Info} }

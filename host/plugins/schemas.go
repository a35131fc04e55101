package plugins

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/sdk/fault"
)

var (
	_ config.Schemas = (*Manager)(nil)
	_ config.Schemas = view{}
)

// Schema answers the schema of the plugin's configuration block. It starts the
// plugin if that has not been asked before. A plugin that there is not is a
// *config.UnknownPluginError.
func (m *Manager) Schema(ctx context.Context, kind, name string) (*config.Schema, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := m.ask(ctx, r, m.opts.settings(r))
	return a.schema, err
}

// Serves says whether the plugin advertises the capability. Nothing is configured or
// opened for that. Errors are those of [Manager.Schema].
func (m *Manager) Serves(ctx context.Context, kind, name, capability string) (bool, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := m.ask(ctx, r, m.opts.settings(r))
	return err == nil && process.HasCapability(a.info, capability), err
}

// Under answers the schemas as they are where the operator says so, who need not say
// it yet: of a file that is refused now and would not be then too.
func (m *Manager) Under(settings func(kind, name string) config.PluginSettings) config.Schemas {
	return view{m, Options{Settings: settings}}
}

type view struct {
	m    *Manager
	says Options
}

// Schema implements config.Schemas.
func (s view) Schema(ctx context.Context, kind, name string) (*config.Schema, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := s.m.ask(ctx, r, s.says.settings(r))
	return a.schema, err
}

// ask answers what the plugin says of itself. Without an error there is a schema.
func (m *Manager) ask(ctx context.Context, r discovery.Ref, settings config.PluginSettings) (answer, error) {
	m.mu.Lock()
	b, err := m.findLocked(r)
	if err != nil {
		refused := m.binaries[r]
		known := m.answerOfOutliving(r)
		closing := m.closing
		m.mu.Unlock()
		switch {
		case known.schema != nil:
			return known, nil
		case closing || refused == nil || m.scanner.Verify(refused, settings.SHA256) != nil:
			return answer{}, detailed(err)
		}
		return m.askOnce(ctx, refused, settings)
	}
	if a := m.asked[r]; a.schema != nil && a.sum == b.SHA256 {
		m.mu.Unlock()
		return a, nil
	}
	s := m.useLocked(place{Ref: r}, b)
	m.mu.Unlock()
	defer m.unuse(s)
	if err := s.countIn(); err != nil {
		return answer{}, err
	}
	defer s.countOut()
	var p *worker
	err = slots.Away(ctx, func() (err error) {
		p, err = s.acquire(ctx)
		return err
	})
	if p != nil {
		defer s.giveBack(p)
	}
	if err != nil {
		return answer{}, detailed(err)
	}
	return m.learn(p), nil
}

// learn notes what a binary says of itself.
func (m *Manager) learn(p *worker) answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := p.answer()
	m.asked[p.Binary.Ref] = a
	return a
}

// askOnce runs a file for its answer alone, which it would be allowed to be run for
// with these settings.
func (m *Manager) askOnce(ctx context.Context, b *discovery.Binary, settings config.PluginSettings) (answer, error) {
	m.mu.Lock()
	a := m.asked[b.Ref]
	if m.closing {
		m.mu.Unlock()
		return answer{}, m.stopped()
	}
	m.tasks.Add(1) // Close waits
	m.mu.Unlock()
	defer m.tasks.Done()
	if a.schema != nil && a.sum == b.SHA256 {
		return a, nil
	}
	var p *worker
	err := slots.Away(ctx, func() (err error) {
		p, err = m.launchWith(ctx, b, "", settings)
		return err
	})
	if p != nil {
		defer p.Stop(m.hard)
	}
	if err != nil {
		return answer{}, err
	}
	return m.learn(p), nil
}

// answerOfOutliving is that of what runs, anywhere, of a plugin whose file must not be
// run any more. The lock is held.
func (m *Manager) answerOfOutliving(r discovery.Ref) answer {
	for at := range m.supervisors {
		if at.Ref == r && m.outlives(at) != nil {
			if p := m.supervisors[at].current(); p != nil {
				return p.answer()
			}
		}
	}
	return answer{}
}

// detailed returns the error with the reason in its message why the plugin could not be
// started. Others do not get the reason, because a plugin may repeat a configuration in it;
// but whoever asks for a schema is an operator, and the plugin has no configuration yet.
func detailed(err error) error {
	var f *fault.Error
	var start *process.StartError
	if !errors.As(err, &f) || f.Err == nil {
		return err
	}
	if f.Class != fault.PluginUnavailable || f.Party == fault.PartyPlugin && !errors.As(f.Err, &start) {
		return err
	}
	full := *f
	full.Message += ": " + f.Err.Error()
	return &full
}

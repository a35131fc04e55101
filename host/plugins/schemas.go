package plugins

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
)

var (
	_ config.Schemas = (*Manager)(nil)
	_ config.Schemas = settingsView{}
)

// Schema returns the schema of the plugin's configuration block. It starts the plugin if its
// binary has not been asked before. If the plugin does not exist, the error is a
// *config.UnknownPluginError.
func (m *Manager) Schema(ctx context.Context, kind, name string) (*config.Schema, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := m.ask(ctx, r, m.opts.settings(r))
	return a.schema, err
}

// Serves reports whether the plugin advertises the capability. It opens no instance. Its
// errors are those of [Manager.Schema].
func (m *Manager) Serves(ctx context.Context, kind, name, capability string) (bool, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := m.ask(ctx, r, m.opts.settings(r))
	return err == nil && process.HasCapability(a.info, capability), err
}

// Under returns the schemas as they would be under the given settings, which need not be in
// use yet. The schema of a file that is refused now can be read if the settings would let it
// run.
func (m *Manager) Under(settings func(kind, name string) config.PluginSettings) config.Schemas {
	return settingsView{m, Options{Settings: settings}}
}

// settingsView is the manager's schemas under other settings.
type settingsView struct {
	m    *Manager
	opts Options
}

// Schema implements config.Schemas.
func (s settingsView) Schema(ctx context.Context, kind, name string) (*config.Schema, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := s.m.ask(ctx, r, s.opts.settings(r))
	return a.schema, err
}

// ask returns what the plugin says of itself. Without an error there is a schema.
func (m *Manager) ask(ctx context.Context, r discovery.Ref, settings config.PluginSettings) (answer, error) {
	m.mu.Lock()
	b, err := m.findLocked(r)
	if err != nil {
		refused := m.binaries[r]
		known := m.answerOfRunningLocked(r)
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
	err = fairshare.Away(ctx, func() (err error) {
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

// learn keeps and returns what the process's binary says of itself.
func (m *Manager) learn(p *worker) answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := p.answer()
	m.asked[p.Binary.Ref] = a
	return a
}

// askOnce starts a file that is refused now and would not be under the settings, asks it, and
// stops it.
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
	err := fairshare.Away(ctx, func() (err error) {
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

// answerOfRunningLocked returns the answer of a process that runs although the plugin's file
// must not be run any more. It is zero if there is no such process. Locked: mu is held.
func (m *Manager) answerOfRunningLocked(r discovery.Ref) answer {
	for at := range m.supervisors {
		if at.Ref == r && m.runningOfRefusedLocked(at) != nil {
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

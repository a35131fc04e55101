package plugins

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

var (
	_ config.Schemas = (*Manager)(nil)
	_ config.Schemas = settingsView{}
)

// Schema returns the schema of the plugin's configuration block. It starts the plugin if
// the manager has not yet asked this binary for its schema. If the plugin does not exist,
// the error is a *config.UnknownPluginError.
func (m *Manager) Schema(ctx context.Context, kind, name string) (*config.Schema, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := m.ask(ctx, r, m.opts.settings(r))
	return a.schema, err
}

// HasFeature reports whether the plugin has the feature, which is a name of package feature.
// It opens no instance. It returns the same errors as [Manager.Schema].
func (m *Manager) HasFeature(ctx context.Context, kind, name, feature string) (bool, error) {
	info, err := m.info(ctx, kind, name)
	return process.HasFeature(info, feature), err
}

// HasService reports whether the plugin serves the gRPC service with this full name. It
// opens no instance. It returns the same errors as [Manager.Schema].
func (m *Manager) HasService(ctx context.Context, kind, name, service string) (bool, error) {
	info, err := m.info(ctx, kind, name)
	return process.HasService(info, service), err
}

// info returns what the plugin answered to GetInfo, or nil and an error.
func (m *Manager) info(ctx context.Context, kind, name string) (*pluginv1.GetInfoResponse, error) {
	r := discovery.Ref{Kind: kind, Name: name}
	a, err := m.ask(ctx, r, m.opts.settings(r))
	if err != nil {
		return nil, err
	}
	return a.info, nil
}

// Under returns a config.Schemas that works as if the given settings were the operator's.
// It can return the schema of a file that is refused now, if the given settings allow the
// file to run.
func (m *Manager) Under(settings func(kind, name string) config.PluginSettings) config.Schemas {
	return settingsView{m, Options{Settings: settings}}
}

// settingsView is a config.Schemas that uses the settings in opts instead of the manager's.
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

// ask returns what the plugin says about itself, and starts the plugin if necessary. If the
// error is nil, the answer has a schema.
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

// learn stores and returns the answer of the process's plugin.
func (m *Manager) learn(p *worker) answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := p.answer()
	m.asked[p.Binary.Ref] = a
	return a
}

// askOnce starts a file that is refused now but allowed by the given settings, gets its
// answer, and stops the process.
func (m *Manager) askOnce(ctx context.Context, b *discovery.Binary, settings config.PluginSettings) (answer, error) {
	m.mu.Lock()
	a := m.asked[b.Ref]
	if m.closing {
		m.mu.Unlock()
		return answer{}, m.stopped()
	}
	m.tasks.Add(1) // Close waits for askOnce
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

// answerOfRunningLocked returns the answer of a running process whose file must no longer
// be run. It returns a zero answer if there is no such process. Locked: mu is held.
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

// detailed returns the error with its cause in the message, if the cause says why the
// plugin could not be started. Errors of calls do not contain this cause, because a plugin
// may show a configuration in it. But only operators ask for a schema, and at this time the
// plugin has no configuration yet.
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

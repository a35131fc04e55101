package plugins

import (
	"bytes"
	"context"
	"sync"

	"github.com/botyard/botyard/host/config"
)

var (
	_ config.Schemas = (*Manager)(nil)
	_ config.Schemas = view{}
)

// Schema answers the schema of the plugin's configuration block. It starts the
// plugin if that has not been asked before. A plugin that there is not is a
// *config.UnknownPluginError.
func (m *Manager) Schema(ctx context.Context, kind, name string) (*config.Schema, error) {
	r := ref{kind, name}
	return m.schema(ctx, r, m.opts.settings(r))
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
	r := ref{kind, name}
	return s.m.schema(ctx, r, s.says.settings(r))
}

func (m *Manager) schema(ctx context.Context, r ref, settings config.PluginSettings) (*config.Schema, error) {
	m.mu.Lock()
	b, err := m.find(r)
	if err != nil {
		refused := m.binaries[r]
		known := m.schemaOfOutliving(r)
		closing := m.closing
		m.mu.Unlock()
		switch {
		case known != nil:
			return known, nil
		case closing || refused == nil || m.admit(refused, settings.SHA256) != nil:
			return nil, detailed(err)
		}
		return m.askOnce(ctx, refused, settings)
	}
	if a := m.asked[r]; a.schema != nil && a.sum == b.sum {
		m.mu.Unlock()
		return a.schema, nil
	}
	s := m.use(place{ref: r}, b)
	m.mu.Unlock()
	defer m.unuse(s)
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	p, err := s.acquire(ctx)
	if err != nil {
		return nil, detailed(err)
	}
	s.giveBack(p)
	m.learn(p)
	return p.schema, nil
}

// learn notes the schema of a binary.
func (m *Manager) learn(p *process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[p.bin.ref] = schemaAnswer{p.bin.sum, p.schema}
}

// askOnce runs a file for its schema alone, which it would be allowed to be run for
// with these settings.
func (m *Manager) askOnce(ctx context.Context, b *binary, settings config.PluginSettings) (*config.Schema, error) {
	m.mu.Lock()
	a := m.asked[b.ref]
	if m.closing {
		m.mu.Unlock()
		return nil, m.stopped()
	}
	m.tasks.Add(1) // Close waits
	m.mu.Unlock()
	defer m.tasks.Done()
	if a.schema != nil && a.sum == b.sum {
		return a.schema, nil
	}
	p, err := m.launchWith(ctx, b, "", settings)
	if err != nil {
		return nil, err
	}
	defer p.stop(m.hard)
	m.learn(p)
	return p.schema, nil
}

// schemaOfOutliving answers the schema of what runs, anywhere, of a plugin whose file
// must not be run any more. The lock is held.
func (m *Manager) schemaOfOutliving(r ref) *config.Schema {
	for at := range m.supervisors {
		if at.ref == r && m.outlives(at) != nil {
			if p := m.supervisors[at].current(); p != nil {
				return p.schema
			}
		}
	}
	return nil
}

// noKeys is the schema of a plugin that advertises none: it has nothing to
// configure.
const noKeys = `{"type":"object","additionalProperties":false}`

// schemaCache keeps the compiled schema of each plugin. As long as the plugin
// advertises the same one, it is the same pointer: the configuration's own caches
// go by it.
type schemaCache struct {
	mu      sync.Mutex
	entries map[ref]schemaEntry
}

type schemaEntry struct {
	source []byte
	schema *config.Schema
}

func (c *schemaCache) compile(r ref, source []byte) (*config.Schema, error) {
	if len(source) == 0 {
		source = []byte(noKeys)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[r]; ok && bytes.Equal(e.source, source) {
		return e.schema, nil
	}
	s, err := config.CompileSchema(source)
	if err != nil {
		return nil, err
	}
	if c.entries == nil {
		c.entries = map[ref]schemaEntry{}
	}
	c.entries[r] = schemaEntry{source, s}
	return s, nil
}

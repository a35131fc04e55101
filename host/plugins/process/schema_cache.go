package process

import (
	"bytes"
	"sync"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
)

// noKeys is the schema of a plugin that advertises none: it has nothing to configure.
const noKeys = `{"type":"object","additionalProperties":false}`

// schemaCache keeps the compiled schema of each plugin. While a plugin advertises the same
// schema, the compiled one is the same pointer: caches of the configuration depend on that.
type schemaCache struct {
	mu      sync.Mutex
	entries map[discovery.Ref]schemaEntry
}

type schemaEntry struct {
	source []byte
	schema *config.Schema
}

// compile returns the compiled schema of the plugin. Two may compile the same schema at
// once; then both get the first result.
func (c *schemaCache) compile(r discovery.Ref, source []byte) (*config.Schema, error) {
	if len(source) == 0 {
		source = []byte(noKeys)
	}
	c.mu.Lock()
	s := c.knownLocked(r, source)
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := config.CompileSchema(source) // without the lock, which all plugins share
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.knownLocked(r, source); first != nil {
		return first, nil
	}
	if c.entries == nil {
		c.entries = map[discovery.Ref]schemaEntry{}
	}
	c.entries[r] = schemaEntry{source, s}
	return s, nil
}

// knownLocked returns the compiled schema if the plugin's last one has this source, and
// else nil. Locked: mu is held.
func (c *schemaCache) knownLocked(r discovery.Ref, source []byte) *config.Schema {
	if e, ok := c.entries[r]; ok && bytes.Equal(e.source, source) {
		return e.schema
	}
	return nil
}

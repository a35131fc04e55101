package plugins

import (
	"bytes"
	"sync"

	"github.com/botyard/botyard/host/config"
)

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

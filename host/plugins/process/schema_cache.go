package process

import (
	"bytes"
	"sync"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"golang.org/x/sync/singleflight"
)

// noKeys is the schema of a plugin that advertises no schema: a plugin without
// configuration keys.
const noKeys = `{"type":"object","additionalProperties":false}`

// schemaCache caches the compiled schema of each plugin. While a plugin advertises the same
// schema, compile returns the same pointer. The caches of the configuration depend on that.
type schemaCache struct {
	compiling singleflight.Group // keyed by plugin and schema source

	mu      sync.Mutex
	entries map[discovery.Ref]schemaEntry
}

type schemaEntry struct {
	source []byte
	schema *config.Schema
}

// compile returns the compiled schema of the plugin. Concurrent calls with the same schema
// compile it only once.
func (c *schemaCache) compile(r discovery.Ref, source []byte) (*config.Schema, error) {
	if len(source) == 0 {
		source = []byte(noKeys)
	}
	if s := c.known(r, source); s != nil {
		return s, nil
	}
	compiled, err, _ := c.compiling.Do(r.String()+"\n"+string(source), func() (any, error) {
		if s := c.known(r, source); s != nil { // a concurrent call has compiled the schema
			return s, nil
		}
		s, err := config.CompileSchema(source)
		if err != nil {
			return nil, err
		}
		c.keep(r, schemaEntry{source, s})
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	return compiled.(*config.Schema), nil
}

// known returns the plugin's cached schema if it was compiled from source. Otherwise it
// returns nil.
func (c *schemaCache) known(r discovery.Ref, source []byte) *config.Schema {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[r]; ok && bytes.Equal(e.source, source) {
		return e.schema
	}
	return nil
}

// keep replaces the plugin's cached schema.
func (c *schemaCache) keep(r discovery.Ref, e schemaEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[discovery.Ref]schemaEntry{}
	}
	c.entries[r] = e
}

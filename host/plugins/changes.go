package plugins

import (
	"maps"
	"slices"
	"sync"

	"github.com/botyard/botyard/host/plugins/discovery"
)

// Changes tells one listener which plugins changed, so that tenants can be checked with them
// again. A plugin changed when its file appeared, went away, was replaced, was refused or
// was no longer refused; and when a process of it became ready, for the first time, after a
// failure or in the place of another version. A change is kept until it is taken, once for
// each plugin, so a slow listener misses none.
type Changes struct {
	// C holds one value while there is something to take. It is never closed.
	C <-chan struct{}

	feed   *changeFeed
	signal chan struct{}
	noted  map[discovery.Ref]string // to the version; under the feed's lock
}

// Changes returns a listener of the changes from now on. Its Close must be called.
func (m *Manager) Changes() *Changes {
	c := &Changes{feed: &m.changes, signal: make(chan struct{}, 1), noted: map[discovery.Ref]string{}}
	c.C = c.signal
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.feed.listeners == nil {
		c.feed.listeners = map[*Changes]struct{}{}
	}
	c.feed.listeners[c] = struct{}{}
	return c
}

// Take returns the plugins that changed since the last Take, sorted, each once. The version
// is that of the process that became ready last, and empty if none did.
func (c *Changes) Take() []PluginRef {
	c.feed.mu.Lock()
	noted := c.noted
	c.noted = map[discovery.Ref]string{}
	select {
	case <-c.signal:
	default: // the listener took it from C
	}
	c.feed.mu.Unlock()
	var out []PluginRef
	for _, r := range slices.SortedFunc(maps.Keys(noted), discovery.Ref.Compare) {
		out = append(out, PluginRef{Kind: r.Kind, Name: r.Name, Version: noted[r]})
	}
	return out
}

// Close ends the listener. Later calls of Close do nothing.
func (c *Changes) Close() {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	delete(c.feed.listeners, c)
}

// changeFeed passes changes on to all listeners. Its lock is taken last: whoever notes a
// change may hold any other.
type changeFeed struct {
	mu        sync.Mutex
	listeners map[*Changes]struct{}
}

// note tells all listeners that the plugin changed. It does not wait for them.
func (f *changeFeed) note(r discovery.Ref, version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.listeners {
		if version != "" || c.noted[r] == "" {
			c.noted[r] = version
		}
		select {
		case c.signal <- struct{}{}:
		default: // it was told already, and has not taken yet
		}
	}
}

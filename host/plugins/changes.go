package plugins

import (
	"maps"
	"slices"
	"sync"

	"github.com/botyard/botyard/host/plugins/discovery"
)

// Changes reports to one listener which plugins changed, so that the listener can check
// tenants with these plugins again. A plugin changes when its file appears, disappears, is
// replaced, is refused or is no longer refused. A plugin also changes when one of its
// processes becomes ready: for the first time, after a failure, or as the replacement of
// another version. Changes stores one entry for each changed plugin until Take is called,
// so that a slow listener misses no plugin.
type Changes struct {
	// C holds one value while Take has changes to return. It is never closed.
	C <-chan struct{}

	feed   *changeFeed
	signal chan struct{}
	noted  map[discovery.Ref]string // the version of each changed plugin; guarded by the lock of the feed
}

// Changes returns a listener for all changes from now on. The caller must call its Close.
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

// Take returns the plugins that changed since the last Take, each once, in sorted order.
// The Version is that of the plugin's newest ready process. It is empty if no process
// became ready since the last Take.
func (c *Changes) Take() []PluginRef {
	c.feed.mu.Lock()
	noted := c.noted
	c.noted = map[discovery.Ref]string{}
	select {
	case <-c.signal:
	default: // the listener has already received the value of C
	}
	c.feed.mu.Unlock()
	var out []PluginRef
	for _, r := range slices.SortedFunc(maps.Keys(noted), discovery.Ref.Compare) {
		out = append(out, PluginRef{Kind: r.Kind, Name: r.Name, Version: noted[r]})
	}
	return out
}

// Close stops the listener. Repeated calls of Close do nothing.
func (c *Changes) Close() {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	delete(c.feed.listeners, c)
}

// changeFeed passes changes to all listeners. A caller of note may hold any other lock,
// because note acquires no lock but the feed's mu.
type changeFeed struct {
	mu        sync.Mutex
	listeners map[*Changes]struct{}
}

// note records for all listeners that the plugin changed. It does not wait for the
// listeners.
func (f *changeFeed) note(r discovery.Ref, version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.listeners {
		if version != "" || c.noted[r] == "" {
			c.noted[r] = version
		}
		select {
		case c.signal <- struct{}{}:
		default: // C already holds a value
		}
	}
}

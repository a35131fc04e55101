package sqlitestore

import "sync"

// notifier wakes all goroutines that wait for a change. It is safe for concurrent use.
type notifier struct {
	mu      sync.Mutex
	changed chan struct{} // notify closes this channel and replaces it
}

func newNotifier() *notifier { return &notifier{changed: make(chan struct{})} }

// next returns a channel that the next call of notify closes.
func (n *notifier) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

// notify closes the current channel.
func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.changed)
	n.changed = make(chan struct{})
}

package sqlitestore

import "sync"

// notifier wakes all goroutines that wait for a change.
type notifier struct {
	mu      sync.Mutex
	changed chan struct{} // closed by notify, and replaced by a new one
}

func newNotifier() *notifier { return &notifier{changed: make(chan struct{})} }

// next returns a channel that the next notify closes.
func (n *notifier) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

// notify closes the channels that next has returned.
func (n *notifier) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.changed)
	n.changed = make(chan struct{})
}

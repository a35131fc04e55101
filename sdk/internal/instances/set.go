package instances

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/botyard/botyard/sdk/fault"
)

// Set maps instance ids to values. The zero value is an empty Set. Any number of goroutines may use
// a Set.
type Set[T any] struct {
	mu      sync.RWMutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	// ready is closed when value and err are set.
	ready chan struct{}
	value T
	err   error
	calls sync.WaitGroup
	done  func() // calls.Done as a value, so that Get does not allocate one
}

// Configure returns the value of id. It calls open if the Set has no value for id. Concurrent calls
// with one id call open once. If open fails, the Set stays without a value for id.
func (s *Set[T]) Configure(ctx context.Context, id string, open func(context.Context) (T, error)) (T, error) {
	s.mu.Lock()
	if s.entries == nil {
		s.entries = map[string]*entry[T]{}
	}
	e, ok := s.entries[id]
	if ok {
		s.mu.Unlock()
		<-e.ready
		return e.value, e.err
	}
	e = &entry[T]{ready: make(chan struct{})}
	e.done = e.calls.Done
	// The entry has an error until open returns, so that no caller gets an instance whose open
	// panicked.
	e.err = fault.New(fault.Internal, "the plugin panicked while it opened the instance").By(fault.PartyPlugin)
	s.entries[id] = e
	s.mu.Unlock()
	defer func() {
		if e.err != nil {
			s.mu.Lock()
			if s.entries[id] == e {
				delete(s.entries, id)
			}
			s.mu.Unlock()
		}
		close(e.ready)
	}()
	e.value, e.err = open(ctx)
	return e.value, e.err
}

// Get returns the value of id, and a function that the caller calls when it no longer uses the
// value. Release waits for that call. For an unknown id, Get returns fault.UnknownInstance.
func (s *Set[T]) Get(id string) (value T, done func(), err error) {
	s.mu.RLock()
	e, ok := s.entries[id]
	if ok {
		e.calls.Add(1)
	}
	s.mu.RUnlock()
	if !ok {
		return value, nil, fault.New(fault.UnknownInstance, "unknown instance")
	}
	<-e.ready // wait for a Configure of the same id
	if e.err != nil {
		e.calls.Done()
		return value, nil, fault.New(fault.UnknownInstance, "unknown instance")
	}
	return e.value, e.done, nil
}

// Release removes id at once. It closes the value after its last user has called the function that
// Get returned. Releasing an unknown id is not an error.
func (s *Set[T]) Release(id string) error {
	s.mu.Lock()
	e, ok := s.entries[id]
	delete(s.entries, id)
	s.mu.Unlock()
	if !ok {
		return nil
	}
	<-e.ready
	e.calls.Wait()
	if c, ok := any(e.value).(io.Closer); ok && e.err == nil {
		return c.Close()
	}
	return nil
}

// Close releases all ids and returns the joined errors.
func (s *Set[T]) Close() error {
	s.mu.RLock()
	ids := make([]string, 0, len(s.entries))
	for id := range s.entries {
		ids = append(ids, id)
	}
	s.mu.RUnlock()
	var errs []error
	for _, id := range ids {
		errs = append(errs, s.Release(id))
	}
	return errors.Join(errs...)
}

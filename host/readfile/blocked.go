package readfile

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"
)

// ErrBlocked says that the file system did not respond in time, or has not yet responded to an
// earlier call for the same file or folder.
var ErrBlocked = errors.New("the file system does not answer")

// blockedAfter is how long Bounded waits for a call.
const blockedAfter = 3 * time.Second

// These constants are the numbers of blocked calls at which Bounded refuses a new call. maxInFolder
// counts blocked calls for files of one folder, maxInParent counts blocked calls in all folders of
// one parent folder, and maxBlocked counts all blocked calls. One blocked call for a file suffices
// to refuse a new call for that file. The numbers are limited because a blocked call occupies a
// thread until the file system responds.
const (
	maxInFolder = 4
	maxInParent = 16
	maxBlocked  = 256
)

// blockedCalls counts the calls to which the file system did not respond in time. It is safe for
// concurrent use.
type blockedCalls struct {
	timeout time.Duration
	mu      sync.Mutex
	paths   map[string]int // the number of blocked calls by the keys that levels returns
	all     int
}

func newBlockedCalls(timeout time.Duration) *blockedCalls {
	return &blockedCalls{timeout: timeout, paths: map[string]int{}}
}

// ofProcess counts the blocked calls of the whole process.
var ofProcess = newBlockedCalls(blockedAfter)

// Bounded calls op, which works on the file at path, and returns the result of op. If op takes
// longer than blockedAfter, or if earlier calls suggest that op would be blocked, Bounded returns
// an *fs.PathError that wraps [ErrBlocked]. A blocked op continues in its goroutine, and its result
// is dropped. When ctx ends, Bounded returns the error of ctx without waiting for op.
func Bounded[T any](ctx context.Context, path string, op func() (T, error)) (T, error) {
	return bounded(ctx, ofProcess, path, op)
}

func bounded[T any](ctx context.Context, s *blockedCalls, path string, op func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	if s.refuses(path) {
		return none, &fs.PathError{Op: "read", Path: path, Err: ErrBlocked}
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	answered := make(chan outcome, 1)
	var c call
	go func() {
		value, err := op()
		answered <- outcome{value, err}
		c.end(s, path)
	}()
	limit := time.NewTimer(s.timeout)
	defer limit.Stop()
	select {
	case got := <-answered:
		return got.value, got.err
	case <-ctx.Done():
		c.abandon(s, path)
		return none, ctx.Err()
	case <-limit.C:
		c.abandon(s, path)
		return none, &fs.PathError{Op: "read", Path: path, Err: ErrBlocked}
	}
}

// call is one call of op. The mu of blockedCalls guards its fields.
type call struct{ ended, abandoned bool }

// abandon counts the call as blocked, except if op has just returned.
func (c *call) abandon(s *blockedCalls, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.abandoned = !c.ended; c.abandoned {
		s.countLocked(path, 1)
	}
}

// end removes the call from the count of blocked calls, if abandon has counted it.
func (c *call) end(s *blockedCalls, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ended = true; c.abandoned {
		s.countLocked(path, -1)
	}
}

// refuses reports whether a new call for the path is likely to be blocked.
func (s *blockedCalls) refuses(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == 0 {
		return false
	}
	file, folder, parent := levels(path)
	return s.paths[file] > 0 || s.paths[folder] >= maxInFolder || s.paths[parent] >= maxInParent || s.all >= maxBlocked
}

// countLocked adds the number by to the counts of the path. Locked: mu is held.
func (s *blockedCalls) countLocked(path string, by int) {
	s.all += by
	file, folder, parent := levels(path)
	for _, key := range []string{file, folder, parent} {
		if s.paths[key] += by; s.paths[key] == 0 {
			delete(s.paths, key)
		}
	}
}

// levels returns the keys under which calls for a path are counted: a key of the file, a key of its
// folder, and a key of the parent of the folder. Each key has a prefix, so that a file and a folder
// with the same path have different keys.
func levels(path string) (file, folder, parent string) {
	path = filepath.Clean(path)
	dir := filepath.Dir(path)
	return "file\x00" + path, "folder\x00" + dir, "parent\x00" + filepath.Dir(dir)
}

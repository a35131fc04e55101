package readfile

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"
)

// ErrBlocked says that the file system did not answer in time, or has not yet answered an
// earlier call for the same file or its folder.
var ErrBlocked = errors.New("the file system does not answer")

// blockedAfter is how long Bounded waits for a call.
const blockedAfter = 3 * time.Second

// A blocked call keeps a thread until the file system answers. A new call is refused if it
// is likely to be blocked too: if a call for the same file is, or maxInFolder calls for the
// same folder, or maxInParent for the folder above, or maxBlocked of all.
const (
	maxInFolder = 4
	maxInParent = 16
	maxBlocked  = 256
)

// blockedCalls counts the calls that were not answered in time. It is safe for concurrent
// use.
type blockedCalls struct {
	timeout time.Duration
	mu      sync.Mutex
	paths   map[string]int // by the keys of levels
	all     int
}

func newBlockedCalls(timeout time.Duration) *blockedCalls {
	return &blockedCalls{timeout: timeout, paths: map[string]int{}}
}

// ofProcess counts the blocked calls of the whole process.
var ofProcess = newBlockedCalls(blockedAfter)

// Bounded calls op, which works on the file at path, and returns its result. If op takes
// longer than blockedAfter, or if it is likely to, the error is an *fs.PathError of
// [ErrBlocked]. op then goes on in its goroutine, and its result is dropped. When ctx ends,
// Bounded returns its error without waiting for op.
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

// call is one call of op. The mu of blockedCalls guards it.
type call struct{ ended, abandoned bool }

// abandon counts the call as blocked, unless it has just ended.
func (c *call) abandon(s *blockedCalls, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.abandoned = !c.ended; c.abandoned {
		s.countLocked(path, 1)
	}
}

// end counts the call as not blocked any more, if it was.
func (c *call) end(s *blockedCalls, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ended = true; c.abandoned {
		s.countLocked(path, -1)
	}
}

// refuses reports whether a call for the path is likely to be blocked.
func (s *blockedCalls) refuses(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == 0 {
		return false
	}
	file, folder, parent := levels(path)
	return s.paths[file] > 0 || s.paths[folder] >= maxInFolder || s.paths[parent] >= maxInParent || s.all >= maxBlocked
}

// countLocked adds to the counts of a path. Locked: mu is held.
func (s *blockedCalls) countLocked(path string, by int) {
	s.all += by
	file, folder, parent := levels(path)
	for _, key := range []string{file, folder, parent} {
		if s.paths[key] += by; s.paths[key] == 0 {
			delete(s.paths, key)
		}
	}
}

// levels returns the keys that calls for a path are counted by: the file, its folder, and
// the folder above. The prefixes keep a file and a folder of one path apart.
func levels(path string) (file, folder, parent string) {
	path = filepath.Clean(path)
	dir := filepath.Dir(path)
	return "file\x00" + path, "folder\x00" + dir, "parent\x00" + filepath.Dir(dir)
}

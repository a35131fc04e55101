package readfile

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"
)

// ErrBlocked says that the system did not answer in time, or has not answered an
// earlier call yet.
var ErrBlocked = errors.New("the file system does not answer")

// patience is how long a call is waited for.
const patience = 3 * time.Second

// What does not answer keeps a thread each, until it does. Calls that are likely not to
// be answered either are not made: of a path, and of a folder and of a folder of
// folders with so many.
const (
	folderStuck = 4
	parentStuck = 16
	allStuck    = 256
)

// stuck are the calls that were not answered in time.
type stuck struct {
	patience time.Duration
	mu       sync.Mutex
	paths    map[string]int // of files, of their folders and of those' folders
	all      int
}

func newStuck(patience time.Duration) *stuck {
	return &stuck{patience: patience, paths: map[string]int{}}
}

var process = newStuck(patience)

// Bounded answers what op does, which touches the path. If the system does not answer
// it in time, or an earlier op for the path is still not answered, it fails with an
// *fs.PathError of [ErrBlocked]; op then goes on without anybody waiting for it. It
// ends early with the context's error.
func Bounded[T any](ctx context.Context, path string, op func() (T, error)) (T, error) {
	return bounded(ctx, process, path, op)
}

func bounded[T any](ctx context.Context, s *stuck, path string, op func() (T, error)) (T, error) {
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
	limit := time.NewTimer(s.patience)
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

// call is one op; guarded by stuck's mu.
type call struct{ ended, abandoned bool }

// abandon counts the call as stuck, unless it has just ended.
func (c *call) abandon(s *stuck, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.abandoned = !c.ended; c.abandoned {
		s.count(path, 1)
	}
}

func (c *call) end(s *stuck, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ended = true; c.abandoned {
		s.count(path, -1)
	}
}

func (s *stuck) refuses(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == 0 {
		return false
	}
	file, folder, parent := levels(path)
	return s.paths[file] > 0 || s.paths[folder] >= folderStuck || s.paths[parent] >= parentStuck || s.all >= allStuck
}

// count changes how many calls are stuck. The caller holds mu.
func (s *stuck) count(path string, by int) {
	s.all += by
	file, folder, parent := levels(path)
	for _, key := range []string{file, folder, parent} {
		if s.paths[key] += by; s.paths[key] == 0 {
			delete(s.paths, key)
		}
	}
}

// levels are what calls are counted by. A file may have the path of a folder.
func levels(path string) (file, folder, parent string) {
	path = filepath.Clean(path)
	dir := filepath.Dir(path)
	return "file\x00" + path, "folder\x00" + dir, "parent\x00" + filepath.Dir(dir)
}

package plugins

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"os"
	"sync"
)

// checksums computes the SHA-256 sums of files, each content once.
type checksums struct {
	mu    sync.Mutex
	known map[string]checksum // by path
}

type checksum struct {
	stamp stamp
	sum   string // lower-case hex
}

// of answers the sum of the file as it is now. What is hashed is the opened file,
// and its stamp is taken before: a change in between gives a stamp that the next
// look does not confirm.
func (c *checksums) of(path string) (checksum, error) {
	f, err := os.Open(path)
	if err != nil {
		return checksum{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return c.ofFile(path, f)
}

// ofFile answers the sum of the open file, which was opened by the path. It reads it from
// its beginning, and leaves the position where it is.
func (c *checksums) ofFile(path string, f *os.File) (checksum, error) {
	info, err := f.Stat()
	if err != nil {
		return checksum{}, err
	}
	now := stampOf(info)
	c.mu.Lock()
	known, ok := c.known[path]
	c.mu.Unlock()
	if ok && known.stamp == now {
		return known, nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, math.MaxInt64)); err != nil {
		return checksum{}, err
	}
	known = checksum{now, hex.EncodeToString(h.Sum(nil))}
	c.mu.Lock()
	if c.known == nil {
		c.known = map[string]checksum{}
	}
	c.known[path] = known
	c.mu.Unlock()
	return known, nil
}

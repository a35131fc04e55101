package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"os"
	"sync"
)

// checksums computes SHA-256 checksums of files, and keeps them: a file that did not
// change is not read again. It is used by any number of goroutines.
type checksums struct {
	mu    sync.Mutex
	known map[string]checksum // by path
}

// checksum is the sum of a file, with the file's stamp from before it was read.
type checksum struct {
	stamp stamp
	sum   string // lower-case hex
}

// ofPath returns the checksum of the file as it is now.
func (c *checksums) ofPath(path string) (checksum, error) {
	f, err := os.Open(path)
	if err != nil {
		return checksum{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return c.ofFile(path, f)
}

// ofFile returns the checksum of the open file, which was opened by path. It reads the
// file from its beginning and does not move its position.
//
// The stamp is taken before the file is read. If the file changes meanwhile, its next
// stamp differs, and it is read again.
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
	sum, err := sha256Of(f)
	if err != nil {
		return checksum{}, err
	}
	known = checksum{now, sum}
	c.mu.Lock()
	if c.known == nil {
		c.known = map[string]checksum{}
	}
	c.known[path] = known
	c.mu.Unlock()
	return known, nil
}

// sha256Of returns the checksum of the whole file in lower-case hex. It does not move
// the file's position.
func sha256Of(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, math.MaxInt64)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"os"
	"sync"
)

// checksums computes SHA-256 checksums of files, and caches them, so that it does not read
// an unchanged file again. A checksums is safe for concurrent use.
type checksums struct {
	mu    sync.Mutex
	known map[string]checksum // by path
}

// checksum is the SHA-256 checksum of a file. stamp is the file's stamp, taken before the
// file was read.
type checksum struct {
	stamp stamp
	sum   string // lower-case hex
}

// ofPath returns the checksum of the current content of the file.
func (c *checksums) ofPath(path string) (checksum, error) {
	f, err := os.Open(path)
	if err != nil {
		return checksum{}, err
	}
	defer func() { _ = f.Close() }() // the file was only read
	return c.ofFile(path, f)
}

// ofFile returns the checksum of the open file f. path is the path by which f was opened,
// and the key of the cache. ofFile reads f from its beginning and does not move its offset.
//
// ofFile takes the stamp before it reads f. If f changes while it is read, the next call of
// ofFile sees another stamp and reads f again.
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

// sha256Of returns the SHA-256 checksum of the whole file in lower-case hex. It does not
// move the file's offset.
func sha256Of(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, math.MaxInt64)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

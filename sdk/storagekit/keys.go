package storagekit

import (
	"bytes"
	"encoding/binary"
)

// Parts of a key are texts of any bytes. A text is written so that the order of the keys is that of
// the texts, and that no text is the beginning of another: a zero byte becomes 0x00 0xff, and the text
// ends with 0x00 0x01.

func appendText(key []byte, text string) []byte {
	for i := range len(text) {
		if key = append(key, text[i]); text[i] == 0 {
			key = append(key, 0xff)
		}
	}
	return append(key, 0, 1)
}

// cutText returns the first text of a key, and the rest of the key.
func cutText(key []byte) (text string, rest []byte) {
	var b []byte
	for i := 0; i+1 < len(key); i++ {
		if key[i] != 0 {
			continue
		}
		b = append(b, key[:i]...)
		if key[i+1] == 1 {
			return string(b), key[i+2:]
		}
		b = append(b, 0)
		key, i = key[i+2:], -1
	}
	return string(append(b, key...)), nil
}

func appendNumber(key []byte, n int64) []byte { return binary.BigEndian.AppendUint64(key, uint64(n)) }

// lastNumber returns the number at the end of a key.
func lastNumber(key []byte) int64 {
	if len(key) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(key[len(key)-8:]))
}

// after returns the end of the keys that begin with the prefix, which is not all 0xff.
func after(prefix []byte) []byte {
	n := len(prefix)
	for prefix[n-1] == 0xff {
		n--
	}
	end := bytes.Clone(prefix[:n])
	end[n-1]++
	return end
}

// key appends texts to a prefix. The result has an array of its own.
func key(prefix []byte, tag byte, texts ...string) []byte {
	return appendKey(make([]byte, 0, keySize(prefix, texts)), prefix, tag, texts)
}

// keySize returns the size of a key with room for another tag and a number.
func keySize(prefix []byte, texts []string) int {
	n := len(prefix) + 1 + 16
	for _, t := range texts {
		n += len(t) + 2
	}
	return n
}

func appendKey(k, prefix []byte, tag byte, texts []string) []byte {
	k = append(append(k, prefix...), tag)
	for _, t := range texts {
		k = appendText(k, t)
	}
	return k
}

// keySpace is memory for the keys of one call, so that most keys need no allocation of their own.
type keySpace struct{ all, free []byte }

// keySpaceBytes is more than the keys of most calls have.
const keySpaceBytes = 1024

func newKeySpace() keySpace { return keySpace{all: make([]byte, keySpaceBytes)} }

// take returns an empty slice with room for n bytes. Nothing else uses these bytes until reset.
func (s *keySpace) take(n int) []byte {
	if n > len(s.free) {
		s.free = make([]byte, max(n, keySpaceBytes))
	}
	out := s.free[:0:n]
	s.free = s.free[n:]
	return out
}

// reset returns the space with all its bytes free. Keys that were taken before are then invalid.
func (s *keySpace) reset() keySpace { return keySpace{all: s.all, free: s.all} }

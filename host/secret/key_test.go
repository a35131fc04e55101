package secret

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestSealOpen(t *testing.T) {
	k := NewKey()
	for _, plain := range [][]byte{nil, []byte("x"), []byte("sk-123\n"), bytes.Repeat([]byte("a"), 1<<16)} {
		sealed := k.Seal(plain, []byte("client-a\x00llm.api_key"))
		if len(plain) > 3 && strings.Contains(sealed, string(plain)) {
			t.Error("sealed text contains the plain one")
		}
		got, err := k.Open(sealed, []byte("client-a\x00llm.api_key"))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("Open = %q, %v", got, err)
		}
		if again := k.Seal(plain, []byte("client-a\x00llm.api_key")); again == sealed {
			t.Error("two seals of one text are equal: equal secrets would show")
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	k := NewKey()
	sealed := k.Seal([]byte("sk-123"), []byte("client-a"))
	flipped := []byte(sealed)
	flipped[len(flipped)-3] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another context": func() ([]byte, error) { return k.Open(sealed, []byte("client-b")) },
		"another key":     func() ([]byte, error) { return NewKey().Open(sealed, []byte("client-a")) },
		"changed":         func() ([]byte, error) { return k.Open(string(flipped), []byte("client-a")) },
		"cut":             func() ([]byte, error) { return k.Open(sealed[:len(sealed)-4], []byte("client-a")) },
		"short":           func() ([]byte, error) { return k.Open("v1.AA", []byte("client-a")) },
		"plain":           func() ([]byte, error) { return k.Open("sk-123", []byte("client-a")) },
		"empty":           func() ([]byte, error) { return k.Open("", []byte("client-a")) },
		"not base64":      func() ([]byte, error) { return k.Open("v1.!!", []byte("client-a")) },
	} {
		got, err := try()
		if !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestDigest(t *testing.T) {
	a, b := NewKey(), NewKey()
	if first, again := a.Digest([]byte("x")), a.Digest([]byte("x")); first != again {
		t.Error("digest of equal content differs")
	}
	if a.Digest([]byte("x")) == a.Digest([]byte("y")) || a.Digest([]byte("x")) == b.Digest([]byte("x")) {
		t.Error("digest does not depend on the content and the key")
	}
}

func TestKeyIsNeverShown(t *testing.T) {
	k := NewKey()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, k); got != Placeholder {
			t.Errorf("%s gives %q", verb, got)
		}
	}
}

func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.key")
	const n = 16
	digests := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			k, err := LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			digests[i] = k.Digest([]byte("x"))
		})
	}
	wg.Wait()
	for _, d := range digests {
		if d != digests[0] {
			t.Fatal("racing creators got different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != keySize {
		t.Errorf("key file: %v, %v", info, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left beside the key: %v, %v", left, err)
	}
}

func TestLoadOrCreateKeyRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, n int, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, n), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe, linked := filepath.Join(dir, "pipe"), filepath.Join(dir, "linked")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink("/dev/zero", linked), os.Truncate(write("sparse", 1, 0o600), 1<<30)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe:                             "is not a regular file",
		linked:                           "is not a regular file",
		filepath.Join(dir, "sparse"):     "a key has 32 bytes, not 1073741824",
		write("group", keySize, 0o642):   "has mode 0642",
		write("world", keySize, 0o604):   "has mode 0604",
		write("short", keySize-1, 0o600): "a key has 32 bytes, not 31",
		write("long", keySize+1, 0o600):  "a key has 32 bytes, not 33",
		write("empty", 0, 0o600):         "a key has 32 bytes, not 0",
		dir:                              "is not a regular file",
		filepath.Join(dir, "no", "key"):  "no such file",
	} {
		if _, err := LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
}

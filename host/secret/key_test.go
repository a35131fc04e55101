package secret

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestKey_Open(t *testing.T) {
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

func TestKey_Open_refuses(t *testing.T) {
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
		t.Run(name, func(t *testing.T) {
			got, err := try()
			if !errors.Is(err, ErrSealed) || got != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		})
	}
}

func TestKey_Digest(t *testing.T) {
	a, b := NewKey(), NewKey()
	if first, again := a.Digest([]byte("x")), a.Digest([]byte("x")); first != again {
		t.Error("digest of equal content differs")
	}
	if a.Digest([]byte("x")) == a.Digest([]byte("y")) || a.Digest([]byte("x")) == b.Digest([]byte("x")) {
		t.Error("digest does not depend on the content and the key")
	}
}

func TestKey_Format(t *testing.T) {
	k := NewKey()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		t.Run(verb, func(t *testing.T) {
			if got := fmt.Sprintf(verb, k); got != Placeholder {
				t.Errorf("%s gives %q", verb, got)
			}
		})
	}
}

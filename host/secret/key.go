package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// keySize is the size of a key, in bytes.
const keySize = 32

// sealedPrefix is the version of the format of sealed texts.
const sealedPrefix = "v1."

// ErrSealed is in the chain of each error of [Key.Open]: the text was sealed by another key
// or for another context, or it was changed.
var ErrSealed = errors.New("sealed text cannot be opened")

// Key is the host's key. It seals secrets and makes digests, by two keys that are derived from
// it. It is safe for concurrent use, and it prints as [Placeholder].
type Key struct {
	aead   cipher.AEAD
	digest []byte
}

// NewKey returns a random key that is kept in no file.
func NewKey() *Key {
	master := make([]byte, keySize)
	_, _ = rand.Read(master) // documented never to fail
	k, err := newKey(master)
	if err != nil {
		panic(err) // unreachable: the size is right
	}
	return k
}

// ParseKey returns the key of 32 bytes, as a key file has them, or of their text in
// hexadecimal or base64, in either alphabet, with or without a line end. The error has
// nothing of the text in it.
func ParseKey(raw []byte) (*Key, error) {
	text := strings.TrimSpace(string(raw))
	readable := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	if len(raw) == keySize && !readable {
		return newKey(raw)
	}
	if !readable {
		return nil, lengthError(int64(len(raw)))
	}
	if master, err := hex.DecodeString(text); err == nil && len(master) == keySize {
		return newKey(master)
	}
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		alphabet = base64.RawURLEncoding
	}
	master, err := alphabet.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, errors.New("it is neither hexadecimal nor base64")
	}
	if len(master) != keySize {
		return nil, lengthError(int64(len(master)))
	}
	return newKey(master)
}

func lengthError(n int64) error { return fmt.Errorf("a key has %d bytes, not %d", keySize, n) }

func newKey(master []byte) (*Key, error) {
	if len(master) != keySize {
		return nil, lengthError(int64(len(master)))
	}
	seal, err := hkdf.Expand(sha256.New, master, "botyard seal v1", keySize)
	if err != nil {
		return nil, err
	}
	digest, err := hkdf.Expand(sha256.New, master, "botyard digest v1", keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Key{aead: aead, digest: digest}, nil
}

// Seal encrypts plain. Only Open with the same key and the same context returns it. The
// context says what the secret belongs to, such as a tenant and a path. It is not in the
// result; a sealed text that is moved elsewhere does not open there. The result is printable
// ASCII.
func (k *Key) Seal(plain, context []byte) string {
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, plain, context))
}

// Open returns what was sealed for the context. Each error wraps [ErrSealed].
func (k *Key) Open(sealed string, context []byte) ([]byte, error) {
	if len(sealed) < len(sealedPrefix) || sealed[:len(sealedPrefix)] != sealedPrefix {
		return nil, fmt.Errorf("%w: unknown format", ErrSealed)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed[len(sealedPrefix):])
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrSealed)
	}
	plain, err := k.aead.Open(nil, nil, raw, context)
	if err != nil {
		return nil, fmt.Errorf("%w: another key, another context, or changed", ErrSealed)
	}
	return plain, nil
}

// Digest returns the HMAC-SHA256 of b, in hexadecimal. Equal contents have equal digests under
// one key. Without the key, a guess of b cannot be checked.
func (k *Key) Digest(b []byte) string {
	mac := hmac.New(sha256.New, k.digest)
	mac.Write(b)
	return hex.EncodeToString(mac.Sum(nil))
}

// Format writes [Placeholder] whatever the verb.
func (*Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Placeholder) }

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

// sealedPrefix begins every sealed text and names the version of its format.
const sealedPrefix = "v1."

// ErrSealed is wrapped by each error of [Key.Open]. Open fails if another key sealed the text, if
// the text was sealed for another context, or if the text was changed.
var ErrSealed = errors.New("sealed text cannot be opened")

// Key is the host's key. It seals secrets and computes digests, with two keys that are derived
// from the host's key. It is safe for concurrent use, and prints as [Placeholder].
type Key struct {
	aead   cipher.AEAD
	digest []byte
}

// NewKey returns a random key and writes no file.
func NewKey() *Key {
	master := make([]byte, keySize)
	_, _ = rand.Read(master) // documented never to fail
	k, err := newKey(master)
	if err != nil {
		panic(err) // unreachable: the key has the right size
	}
	return k
}

// ParseKey parses a key of 32 bytes. The input is the raw bytes, or their hexadecimal form, or
// their base64 form in the standard or the URL alphabet. A text may end with a line end. The
// error contains no part of the input.
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

// Seal encrypts plain. Only Open with the same key and an equal context can decrypt it. The
// context says to what the secret belongs, such as a tenant and a path, so that a sealed text
// cannot be moved elsewhere. The context is not part of the result. The result is printable
// ASCII.
func (k *Key) Seal(plain, context []byte) string {
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, plain, context))
}

// Open decrypts a text that Seal returned for the same context. Each error wraps [ErrSealed].
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

// Digest returns the HMAC-SHA256 of b, in hexadecimal. Equal inputs have equal digests under one
// key. Without the key, a guess of b cannot be checked against the digest.
func (k *Key) Digest(b []byte) string {
	mac := hmac.New(sha256.New, k.digest)
	mac.Write(b)
	return hex.EncodeToString(mac.Sum(nil))
}

// Format writes [Placeholder] for every verb.
func (*Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Placeholder) }

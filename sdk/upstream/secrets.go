package upstream

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Redacted replaces a secret in a text.
const Redacted = "[secret]"

// pieceOfSecret is how many characters of a secret in a row are cut. A server that masks a key shows
// fewer.
const pieceOfSecret = 8

// leastSecret is the length of a secret from which it is cut out of longer words too.
const leastSecret = 4

// Secrets cuts secrets out of texts. Any number of goroutines may use it. A nil Secrets cuts
// nothing.
type Secrets struct {
	whole  []string            // secrets of fewer than pieceOfSecret characters, in lower case
	pieces map[string]struct{} // all pieces of pieceOfSecret bytes of the others, in lower case
}

// NewSecrets returns the Secrets that cut these texts. It ignores empty ones.
func NewSecrets(secrets ...string) *Secrets {
	s := &Secrets{pieces: map[string]struct{}{}}
	for _, secret := range secrets {
		if secret = strings.TrimSpace(secret); secret == "" {
			continue
		}
		for _, form := range formsOf(secret) {
			form = lower(form)
			if len(form) < pieceOfSecret {
				s.whole = append(s.whole, form)
			}
			for i := 0; i+pieceOfSecret <= len(form); i++ {
				s.pieces[form[i:i+pieceOfSecret]] = struct{}{}
			}
		}
	}
	return s
}

// formsOf returns the secret as it is, and as servers and proxies write it in URLs, JSON and headers.
func formsOf(secret string) []string {
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
	if text, err := json.Marshal(secret); err == nil {
		forms = append(forms, strings.Trim(string(text), `"`))
	}
	if len(secret) < pieceOfSecret {
		return forms
	}
	forms = append(forms, hex.EncodeToString([]byte(secret)))
	// In base64 of a longer text, the form of the secret depends on its place in the text. The
	// characters at both ends depend on the neighbours.
	for before := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			form := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
			forms = append(forms, form[(before*8+5)/6:])
		}
	}
	return forms
}

// lower returns the text with its ASCII letters in lower case. Its length does not change.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// Cut returns the text with Redacted instead of each secret, and of each piece of a secret that is
// pieceOfSecret characters or longer.
func (s *Secrets) Cut(text string) string {
	if s == nil || len(s.whole) == 0 && len(s.pieces) == 0 {
		return text
	}
	text = strings.ToValidUTF8(text, "?") // so that lower keeps the length
	low := lower(text)
	hidden := make([]bool, len(low))
	for i := range low {
		if i+pieceOfSecret <= len(low) {
			if _, ok := s.pieces[low[i:i+pieceOfSecret]]; ok {
				hide(hidden[i : i+pieceOfSecret])
			}
		}
	}
	for _, secret := range s.whole {
		for from := 0; ; {
			i := strings.Index(low[from:], secret)
			if i < 0 {
				break
			}
			i += from
			if len(secret) >= leastSecret || isWord(low, i, i+len(secret)) {
				hide(hidden[i : i+len(secret)])
			}
			from = i + 1
		}
	}
	return replaceHidden(text, hidden)
}

func hide(some []bool) {
	for i := range some {
		some[i] = true
	}
}

func replaceHidden(text string, hidden []bool) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if !hidden[i] {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString(Redacted)
		for i < len(text) && hidden[i] {
			i++
		}
	}
	return b.String()
}

// isWord reports whether no letter and no digit is beside the piece of the text.
func isWord(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return !isWordRune(before) && !isWordRune(after)
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

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

// pieceOfSecret is the length in bytes from which a piece of a secret is cut. A server that masks a key
// shows shorter pieces of it.
const pieceOfSecret = 8

// leastSecret is the length in bytes from which a secret is cut out of longer words. A shorter secret
// is cut only where no letter and no digit is beside it.
const leastSecret = 4

// Secrets cuts secrets out of texts, in upper or lower case. Any number of goroutines may use it. A nil
// Secrets cuts nothing.
type Secrets struct {
	whole  []string            // forms of secrets with fewer than pieceOfSecret bytes, in lower case
	pieces map[string]struct{} // all pieces of pieceOfSecret bytes of the longer forms, in lower case
}

// NewSecrets returns a Secrets that cuts the given secrets. It ignores white space around a secret, and
// empty secrets.
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

// formsOf returns the secret as it is, and in the forms that it has in URLs and in JSON. A secret of
// pieceOfSecret bytes or more also has its forms in hexadecimal and in base64.
func formsOf(secret string) []string {
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
	if text, err := json.Marshal(secret); err == nil {
		forms = append(forms, strings.Trim(string(text), `"`))
	}
	if len(secret) < pieceOfSecret {
		return forms
	}
	forms = append(forms, hex.EncodeToString([]byte(secret)))
	// In the base64 of a longer text, the form of the secret depends on the number of bytes before it.
	// The characters at both ends also depend on the bytes beside it.
	for before := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			form := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
			forms = append(forms, form[(before*8+5)/6:])
		}
	}
	return forms
}

// lower returns the text with its ASCII letters in lower case. It keeps the length of a text in UTF-8.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// Cut returns the text with Redacted in place of each secret, and of each piece of 8 bytes or more of a
// secret. Bytes that are not UTF-8 become a question mark.
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

// hide marks bytes of a text as parts of secrets.
func hide(some []bool) {
	for i := range some {
		some[i] = true
	}
}

// replaceHidden returns the text with Redacted in place of each run of hidden bytes.
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

// isWord reports whether neither a letter nor a digit is beside text[start:end].
func isWord(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return !isWordRune(before) && !isWordRune(after)
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

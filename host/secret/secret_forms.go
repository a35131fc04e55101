package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxValues  = 256     // number of values of one secret
	maxEncoded = 1 << 10 // bytes of a value; encoded forms of longer values are not searched
)

// forms returns the texts that reveal a secret: each of its values in plain, escaped and encoded
// form. It leaves out texts shorter than shortest.
func forms(s string) []string {
	var out []string
	for _, v := range values(s) {
		out = append(out, v)
		out = append(out, escaped(v)...)
		if len(v) >= window {
			out = append(out, lower(v)) // Redact also searches the text in lower case
		}
		if len(v) <= maxEncoded {
			out = append(out, encoded(v)...)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(form string) bool { return len(form) < shortest })
}

var (
	credential = regexp.MustCompile(`(?i)^(?:bearer|basic|token|apikey)\s+(\S+)$`)
	lowerHex   = regexp.MustCompile(`%[0-9A-F]{2}`)
)

// values returns the secret, and the parts of it that are secret by themselves: the lines of a
// key file, the texts of a JSON document, the password in a URL or in a list of settings, and the
// credentials of an Authorization header.
func values(s string) []string {
	out := []string{s, strings.TrimSpace(s)}
	if m := credential.FindStringSubmatch(strings.TrimSpace(s)); m != nil {
		out = append(out, m[1])
		if plain, err := base64.StdEncoding.DecodeString(m[1]); err == nil {
			if _, password, ok := strings.Cut(string(plain), ":"); ok {
				out = append(out, password)
			}
		}
	}
	if lines := strings.Split(s, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= 2*window {
				out = append(out, line)
			}
		}
	}
	var document any
	if strings.HasPrefix(strings.TrimSpace(s), "{") && json.Unmarshal([]byte(s), &document) == nil {
		texts(document, func(text string) {
			if len(text) >= 2*window {
				out = append(out, text, strings.TrimSpace(text))
			}
		})
	}
	out = append(out, Passwords(s)...)
	if m := inSecretURL.FindStringSubmatch(s); m != nil { // the password in a URL without the necessary escapes
		out = append(out, m[1])
	}
	slices.Sort(out)
	out = slices.Compact(out)
	out = slices.DeleteFunc(out, func(v string) bool { return len(v) < shortest })
	return out[:min(len(out), maxValues)]
}

// texts calls found for each text in a JSON value.
func texts(value any, found func(string)) {
	switch v := value.(type) {
	case string:
		found(v)
	case map[string]any:
		for _, item := range v {
			texts(item, found)
		}
	case []any:
		for _, item := range v {
			texts(item, found)
		}
	}
}

var (
	inSecretURL = regexp.MustCompile(`^\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s:]*:(.+)@[^@]*$`)
	inURL       = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s:]*:([^/?#\s]+)@`)
	inSetting   = regexp.MustCompile(`(?i)(?:^|[\s;?&,])[a-z_-]*(?:password|passwd|pwd|secret|token|api_?key|apikey)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|([^\s&;'"]+))`)
)

// Passwords returns the passwords in a text that is not secret as a whole. It finds the password
// in the user part of a URL, and values after a name such as password= or token=.
func Passwords(text string) []string {
	var out []string
	for _, m := range inURL.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
		if plain, err := url.PathUnescape(m[1]); err == nil {
			out = append(out, plain)
		}
	}
	for _, m := range inSetting.FindAllStringSubmatch(text, -1) {
		for _, v := range m[1:] {
			out = append(out, v, strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(v))
			if plain, err := url.QueryUnescape(v); err == nil {
				out = append(out, plain)
			}
		}
	}
	return slices.DeleteFunc(out, func(v string) bool { return v == "" })
}

// escaped returns the forms that the value has inside quoted strings, URLs and HTML. A form in
// which nothing needs an escape equals the value.
func escaped(v string) []string {
	out := []string{html.EscapeString(v), strings.ReplaceAll(v, "'", "''"),
		strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v)}
	for _, e := range []string{url.QueryEscape(v), url.PathEscape(v), strings.Trim(url.UserPassword("", v).String(), ":")} {
		out = append(out, e, lowerHex.ReplaceAllStringFunc(e, strings.ToLower))
	}
	unquoted := func(s string) string { return s[1 : len(s)-1] }
	out = append(out, unquoted(strconv.Quote(v)), unquoted(strconv.QuoteToASCII(v)))
	var plain strings.Builder
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if e.Encode(v) == nil {
		out = append(out, unquoted(strings.TrimSuffix(plain.String(), "\n")))
	}
	if b, err := json.Marshal(v); err == nil {
		once := unquoted(string(b))
		out = append(out, once)
		if again, err := json.Marshal(once); err == nil {
			out = append(out, unquoted(string(again))) // a JSON string inside a JSON string
		}
	}
	return out
}

// encoded returns the value in hexadecimal, as a list of byte values, and in base64. There are
// three base64 forms, because the value may begin at any byte of the encoded text, as the
// password in user:password does.
func encoded(v string) []string {
	b := []byte(v)
	digits := hex.EncodeToString(b)
	out := []string{digits, strings.ToUpper(digits), strings.Trim(fmt.Sprint(b), "[]")}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := e.EncodeToString(append(make([]byte, before), b...))
			from := (before*8 + 5) / 6 // digits before from contain bits of the preceding bytes
			to := (before + len(b)) * 8 / 6
			if to-from >= window {
				out = append(out, text[from:to])
			}
		}
	}
	return out
}

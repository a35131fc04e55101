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
	maxValues  = 256     // that one secret is made of
	maxEncoded = 1 << 10 // bytes of a value that is looked for encoded too
)

// forms are the texts that give a secret away: its values, each as it is and in the
// forms that programs write it in.
func forms(s string) []string {
	var out []string
	for _, v := range values(s) {
		out = append(out, v)
		out = append(out, escaped(v)...)
		if len(v) >= window {
			out = append(out, lower(v)) // as it is in a view
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

// values are the secret as a whole, and what in it is secret by itself: the lines of a
// key file, the texts of a JSON document, a password in a URL or in a list of settings,
// what follows the scheme of an Authorization header.
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
	if m := inSecretURL.FindStringSubmatch(s); m != nil { // not escaped as it should be
		out = append(out, m[1])
	}
	slices.Sort(out)
	out = slices.Compact(out)
	out = slices.DeleteFunc(out, func(v string) bool { return len(v) < shortest })
	return out[:min(len(out), maxValues)]
}

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

// Passwords are those that a text has which is not secret as a whole, or not known to
// be: in the user's part of a URL, and after a name such as password= or token=.
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

// escaped are the forms of a value within other texts. Where nothing needs escaping
// they are the value.
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
			out = append(out, unquoted(string(again))) // a log entry in a log entry
		}
	}
	return out
}

// encoded are the forms of a value that hide it from the eye alone. In base64 it is
// looked for wherever in the encoded text it begins, as in that of user:password.
func encoded(v string) []string {
	b := []byte(v)
	digits := hex.EncodeToString(b)
	out := []string{digits, strings.ToUpper(digits), strings.Trim(fmt.Sprint(b), "[]")}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := e.EncodeToString(append(make([]byte, before), b...))
			from := (before*8 + 5) / 6 // digits that what is before has a part of
			to := (before + len(b)) * 8 / 6
			if to-from >= window {
				out = append(out, text[from:to])
			}
		}
	}
	return out
}

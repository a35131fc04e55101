package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const key = `sk-pröj+7/q"Z'0\w=&<%20>`

// TestRedactor_forms checks that Redact finds a secret in each form in which error messages print
// it.
func TestRedactor_forms(t *testing.T) {
	var r Redactor
	r.Add(key)
	quoted, _ := json.Marshal(map[string]string{"error": "bad key " + key})
	nested, _ := json.Marshal(string(quoted))
	request, _ := http.NewRequest("GET", "http://h/", nil)
	request.SetBasicAuth("someone", key)
	for name, text := range map[string]string{
		"plain":              "bad key " + key,
		"alone":              key,
		"in words":           "xx" + key + "yy",
		"twice":              key + key,
		"%q":                 fmt.Sprintf("bad key %q", key),
		"%+q":                fmt.Sprintf("bad key %+q", key),
		"%x":                 fmt.Sprintf("%x", key),
		"%X":                 fmt.Sprintf("%X", key),
		"%v of bytes":        fmt.Sprint([]byte(key)),
		"JSON":               string(quoted),
		"JSON in JSON":       string(nested),
		"a query":            "Get \"https://h/?key=" + url.QueryEscape(key) + "&a=b\": EOF",
		"a query, small":     "https://h/?key=" + strings.ToLower(url.QueryEscape("x")) + escapesSmall(url.QueryEscape(key)),
		"a path":             (&url.URL{Scheme: "https", Host: "h", Path: "/" + key}).String() + " " + url.PathEscape(key),
		"a URL's user":       (&url.URL{Scheme: "https", Host: "h", User: url.UserPassword("u", key)}).String(),
		"HTML":               html.EscapeString(key),
		"basic auth":         request.Header.Get("Authorization"),
		"bearer":             "Authorization: Bearer " + key,
		"base64":             base64.StdEncoding.EncodeToString([]byte(key)),
		"base64 of a URL":    base64.RawURLEncoding.EncodeToString([]byte("ab" + key + "cd")),
		"SQL":                "password='" + strings.ReplaceAll(key, "'", "''") + "'",
		"shortened":          "bad key " + key[:14] + "...",
		"shortened, and on":  "bad key " + key[:14] + "…) (403)",
		"masked":             "bad key " + key[:13] + "******",
		"the next line":      key[9:] + " is the rest",
		"the next line, cut": `"` + key[6:] + `"`,
		"its end":            "the key that ends with " + key[9:] + " is refused",
		"another's query":    "https://h/?key=" + strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") + "&a=b",
		"a query in a query": "https://h/?next=" + url.QueryEscape("https://h/?key="+url.QueryEscape(key)),
		"a path in JSON":     strconv.Quote(strconv.Quote(url.PathEscape(key))),
		"escaped needlessly": "key=%73%6B" + url.QueryEscape(key[2:]),
		"all in \\u":         "key=" + units(key),
		"HTML in JSON":       strconv.Quote(html.EscapeString(key)),
		"capitals":           strings.ToUpper(key),
		"a host's name":      "lookup " + strings.ToLower(key) + ": no such host",
	} {
		t.Run(name, func(t *testing.T) {
			got := r.Redact(text)
			for _, part := range []string{key, key[8:], hex.EncodeToString([]byte(key[8:])), url.QueryEscape(key[12:]), strconv.Quote(key[8:])} {
				if strings.Contains(strings.ToLower(got), strings.ToLower(part)) {
					t.Errorf("%s: %s", name, got)
				}
			}
			if !strings.Contains(got, Placeholder) {
				t.Errorf("%s: nothing was cut of %s", name, got)
			}
			if strings.Contains(strings.ToLower(got), "%26%3c") || strings.Contains(got, `0\\w`) {
				t.Errorf("%s: the end is left: %s", name, got)
			}
		})
	}
	for _, text := range []string{"", "x", "sk-", "nothing of it", "sk-pr", strings.Repeat("sk-", 100)} {
		if got := r.Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// units returns s with each character written as a JSON escape \uXXXX.
func units(s string) string {
	var out strings.Builder
	for _, c := range s {
		fmt.Fprintf(&out, `\u%04x`, c)
	}
	return out.String()
}

func escapesSmall(s string) string { return lowerHex.ReplaceAllStringFunc(s, strings.ToLower) }

// TestRedactor_valuesOfASecret checks that Redact also replaces a part of a secret that is secret
// by itself, such as the password in a URL.
func TestRedactor_valuesOfASecret(t *testing.T) {
	for name, c := range map[string]struct{ secret, text string }{
		"a DSN's password":          {"postgres://app:p%40ss-w0rd@db/x", "user=app password=p@ss-w0rd"},
		"as it is written":          {"postgres://app:p%40ss-w0rd@db/x", "p%40ss-w0rd"},
		"not escaped":               {"postgres://app:p/ss#w0rd@db/x", "for p/ss#w0rd no"},
		"settings":                  {"host=db user=app password='it\\'s s3cret'", "it's s3cret"},
		"a query":                   {"https://h/x?api_key=abc%2Bdefgh", "abc+defgh"},
		"a line of a key file":      {"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END KEY-----\n", "near MIIEvQIBADANBgkqhkiG9w0BAQ"},
		"a service account":         {`{"type":"x","private_key":"abcdefghijklmnop\nqrst"}`, "abcdefghijklmnop\nqrst"},
		"after a scheme":            {"Bearer abcdefgh12", "the token abcdefgh12"},
		"in basic credentials":      {"Basic " + base64.StdEncoding.EncodeToString([]byte("u:hunter22")), "hunter22"},
		"a file's line end":         {"hunter22\n", "hunter22"},
		"short, as a word":          {"abc", "key=abc&x"},
		"short, in quotes":          {"pw1", `password "pw1" refused`},
		"short, at the end":         {"pw1", "no pw1"},
		"half of another, overlaps": {"abcdefgh", "abcdefgh"},
	} {
		t.Run(name, func(t *testing.T) {
			var r Redactor
			r.Add(c.secret)
			if got := r.Redact(c.text); !strings.Contains(got, Placeholder) || strings.Contains(got, "w0rd") || strings.Contains(got, "hunter") {
				t.Errorf("%s: %q", name, got)
			}
		})
	}
	var r Redactor
	r.Add("abc", "ab", "", "x")
	for _, text := range []string{"abcd", "xabc", "äabc", "ab x"} {
		if got := r.Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestRedactor_random checks with random secrets, which may overlap, that Redact leaves none of
// them in a random text.
func TestRedactor_random(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Redactor
		letters := rapid.StringMatching(`[ab%/+"' é]{8,20}`)
		secrets := rapid.SliceOfN(letters, 1, 5).Draw(t, "secrets")
		r.Add(secrets...)
		text := rapid.String().Draw(t, "before") + secrets[0] + rapid.String().Draw(t, "after")
		got := r.Redact(text)
		for _, s := range secrets {
			if strings.Contains(got, s) {
				t.Fatalf("%q of %q", got, text)
			}
		}
		quoted, _ := json.Marshal(text)
		if whole, _ := json.Marshal(secrets[0]); strings.Contains(r.Redact(string(quoted)), string(whole[1:len(whole)-1])) {
			t.Fatalf("%q of %s", r.Redact(string(quoted)), quoted)
		}
	})
}

func TestRedactor_release(t *testing.T) {
	var r Redactor
	first, second := r.Add("hunter2-hunter2"), r.Add("hunter2-hunter2")
	first()
	first()
	second()
	if got := r.Redact("hunter2-hunter2"); got != Placeholder {
		t.Errorf("a secret that was replaced is not cut any more: %q", got)
	}
	r.mu.Lock()
	r.forgetReleasedLocked(time.Now().Add(lingering + time.Second))
	r.mu.Unlock()
	if len(r.patterns)+len(r.heads)+len(r.tails)+len(r.words)+len(r.released) != 0 {
		t.Errorf("left: %d patterns", len(r.patterns))
	}
	for i := range 5000 {
		r.Add(fmt.Sprintf("secret-number-%d", i))()
	}
	if n := len(r.patterns); n > maxLingering {
		t.Errorf("%d patterns linger", n)
	}
}

func TestRedactor_concurrent(t *testing.T) {
	var r Redactor
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				s := fmt.Sprintf("secret-of-%d", i)
				release := r.Add(s)
				if got := r.Redact("no " + s); got != "no "+Placeholder {
					t.Error(errors.New(got))
				}
				release()
			}
		})
	}
	wg.Wait()
}

func BenchmarkRedactor_Redact(b *testing.B) {
	var r Redactor
	for i := range 2000 {
		r.Add(fmt.Sprintf("sk-%d-abcdefghijklmnopqrstuvwxyz", i))
	}
	line := strings.Repeat("the upstream answered 403 forbidden; ", 8)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		r.Redact(line)
	}
}

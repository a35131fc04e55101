package upstream

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

func TestSecrets_Cut(t *testing.T) {
	const key = "sk-proj-a/B+c1D2e3F4\"g5H6"
	s := NewSecrets(key, "", "  ", "pin\n", "x")
	for in, want := range map[string]string{
		"":                                    "",
		"nothing here":                        "nothing here",
		"key " + key + " is wrong":            "key [secret] is wrong",
		"Bearer " + key:                       "Bearer [secret]",
		strings.ToUpper(key):                  "[secret]",
		key + key:                             "[secret]",
		"begins with " + key[:12] + "…":       "begins with [secret]…",
		"ends with " + key[len(key)-10:]:      "ends with [secret]",
		"masked sk-pr***g5H6":                 "masked sk-pr***g5H6",
		"in a URL ?k=" + url.QueryEscape(key): "in a URL ?k=[secret]",
		`in JSON "` + strings.ReplaceAll(key, `"`, `\"`) + `"`: `in JSON "[secret]"`,
		"the pin is 7":     "the [secret] is 7",
		"spinning":         "spinning",
		"x marks, not box": "[secret] marks, not bo[secret]"[:len("[secret] marks, not bo")] + "x",
		"\xff" + key:       "?[secret]",
	} {
		t.Run(in, func(t *testing.T) {
			if got := s.Cut(in); got != want {
				t.Errorf("%q became %q; want %q", in, got, want)
			}
		})
	}
	for name, text := range map[string]string{
		"hex": hex.EncodeToString([]byte(key)), "base64": base64.StdEncoding.EncodeToString([]byte(key)),
		"basic 1": base64.StdEncoding.EncodeToString([]byte(":" + key)), "basic 2": base64.URLEncoding.EncodeToString([]byte("u:" + key + "!")),
		"basic 3": base64.StdEncoding.EncodeToString([]byte("abc" + key)),
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.Cut("it is " + text); len(got) > len("it is ")+len(Redacted)+10 {
				t.Errorf("%q became %q", text, got)
			}
		})
	}
}

func TestSecrets_Cut_none(t *testing.T) {
	if got := NewSecrets().Cut("a\xffb"); got != "a\xffb" {
		t.Errorf("%q", got)
	}
	if got := (*Secrets)(nil).Cut("a"); got != "a" {
		t.Errorf("%q", got)
	}
}

package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	master := bytes.Repeat([]byte{0xfb, 0xef, 0x00, 0x7f}, 8) // its base64 form contains + and /
	want, err := newKey(master)
	if err != nil {
		t.Fatal(err)
	}
	std, url := base64.StdEncoding.EncodeToString(master), base64.URLEncoding.EncodeToString(master)
	for name, text := range map[string]string{
		"bytes": string(master), "hexadecimal": hex.EncodeToString(master), "upper case": strings.ToUpper(hex.EncodeToString(master)),
		"base64": std, "unpadded": strings.TrimRight(std, "="), "of URLs": url, "with a line end": std + "\n", "of Windows": std + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			key, err := ParseKey([]byte(text))
			if err != nil || key.Digest(nil) != want.Digest(nil) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "a password": "correct horse battery staple", "32 characters": "0123456789abcdef0123456789abcdef", "31 and a line end": "0123456789abcdef0123456789abcde\n",
		"short": base64.StdEncoding.EncodeToString(master[:31]), "long": hex.EncodeToString(append(master, 1)), "33 bytes": string(append(master, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			if key, err := ParseKey([]byte(text)); err == nil || key != nil || text != "" && strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

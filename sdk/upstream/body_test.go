package upstream

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
)

// TestBody_pace checks that a body is read no faster than at the greatest pace: what arrives, and what is
// in it.
//
// beyond: pace of an upstream
func TestBody_pace(t *testing.T) {
	const seconds = 3 // at the greatest pace, beyond the credit
	plain := make([]byte, (sdk.PaceCredit+seconds)*sdk.MaxUpstreamByteRate)
	zipped := func(text []byte) []byte {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		_, _ = zip.Write(text)
		_ = zip.Close()
		return out.Bytes()
	}
	empty := zipped(nil)
	for name, c := range map[string]struct {
		sent     []byte
		encoding string
		size     int
	}{
		"plain":              {plain, "", len(plain)},
		"compressed":         {zipped(plain), "gzip", len(plain)},
		"compressed nothing": {bytes.Repeat(empty, len(plain)/len(empty)+1), "gzip", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBody(t.Context(), &Client{base: &url.URL{}, share: budget.Upstreams.Share()}, &http.Response{
					StatusCode: http.StatusOK, Header: http.Header{"Content-Encoding": {c.encoding}}, Body: io.NopCloser(bytes.NewReader(c.sent)),
				})
				begun := time.Now()
				n, err := io.Copy(io.Discard, b)
				if err != nil || n != int64(c.size) {
					t.Errorf("%d bytes, %v; want %d", n, err, c.size)
				}
				if took := time.Since(begun); took < (seconds-1)*time.Second {
					t.Errorf("%d bytes in %d took %s", c.size, len(c.sent), took)
				}
			})
		})
	}
}

// TestClient_Do_encoding checks that a request asks for no compression, and that an answer in one that
// the plugin cannot read is refused.
func TestClient_Do_encoding(t *testing.T) {
	for encoding, ok := range map[string]bool{"": true, "identity": true, "Identity": true, "br": false, "zstd": false, "gzip, br": false} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Values("Accept-Encoding"); len(got) != 1 || got[0] != "identity" {
				t.Errorf("Accept-Encoding is %q", got)
			}
			w.Header().Set("Content-Encoding", encoding)
			_, _ = io.WriteString(w, "{}")
		}, nil)
		r, err := get(t, c)
		if !ok {
			if f := fault.Of(err); err == nil || f.Class != fault.ProviderFailed || f.UpstreamStatus != http.StatusOK || !strings.Contains(f.Message, "Content-Encoding") {
				t.Errorf("%q: %v", encoding, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, err := r.ReadAll(10); err != nil || string(text) != "{}" {
			t.Errorf("%q: %q, %v", encoding, text, err)
		}
	}
}

package ollama

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/upstream"
)

// decodeBody makes the body of a response readable that a proxy has compressed, although the plugin asks for no
// compression. The bounds of a response count what it is without compression. The error for another
// encoding names it, without the secrets.
func decodeBody(resp *http.Response, secrets *upstream.Secrets) error {
	switch coding := strings.ToLower(resp.Header.Get("Content-Encoding")); coding {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		resp.Body = &gzipBody{body: resp.Body}
		return nil
	default:
		return fault.New(fault.ProviderFailed, "the response has the Content-Encoding %.40q, which the plugin has not asked for", secrets.Cut(coding)).Upstream(resp.StatusCode)
	}
}

// gzipBody is a compressed body. Its first read reads the header of the compression.
type gzipBody struct {
	body io.ReadCloser
	zip  *gzip.Reader
	err  error
}

// Read implements io.Reader.
func (b *gzipBody) Read(p []byte) (int, error) {
	if b.zip == nil && b.err == nil {
		b.zip, b.err = gzip.NewReader(b.body)
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.zip.Read(p)
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		err = fmt.Errorf("the compression is broken: %w", err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *gzipBody) Close() error { return b.body.Close() }

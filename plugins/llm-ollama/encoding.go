package ollama

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/upstream"
)

// decodeBody makes the body of a response readable that a proxy has compressed, although the plugin asks for no
// compression. The bounds of a response count what it is without compression. Only the pace counts both,
// because what is compressed may be nothing. The reads end when ctx does. The error for another encoding
// names it, without the secrets.
func decodeBody(ctx context.Context, resp *http.Response, secrets *upstream.Secrets) error {
	switch coding := strings.ToLower(resp.Header.Get("Content-Encoding")); coding {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		resp.Body = &gzipBody{pacedBody: pacedBody{resp.Body, ctx, budget.NewPace(sdk.PaceCredit * time.Second)}}
		return nil
	default:
		return fault.New(fault.ProviderFailed, "the response has the Content-Encoding %.40q, which the plugin has not asked for", secrets.Cut(coding)).Upstream(resp.StatusCode)
	}
}

// gzipBody is the body of a response without its compression.
type gzipBody struct {
	pacedBody
	zip *gzip.Reader
	err error
}

// pacedBody is a body that is read at the greatest pace at most.
type pacedBody struct {
	io.ReadCloser
	ctx  context.Context
	pace *budget.Pace
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if wait := b.pace.Wait(b.ctx, time.Duration(n)*byteTime); wait != nil {
		return 0, wait
	}
	return n, err
}

// Read implements io.Reader. The first call reads the header of the compression.
func (b *gzipBody) Read(p []byte) (int, error) {
	if b.zip == nil && b.err == nil {
		b.zip, b.err = gzip.NewReader(&b.pacedBody)
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

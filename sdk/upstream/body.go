package upstream

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
)

// byteTime is the time that each byte of a response takes at sdk.MaxUpstreamByteRate.
const byteTime = time.Second / sdk.MaxUpstreamByteRate

// body reads the body of a response. It bounds how many bytes it reads, how many of them are in memory,
// and how fast it reads. One goroutine reads a body. Another one may call closeRaw meanwhile.
type body struct {
	client *Client
	ctx    context.Context
	raw    io.ReadCloser
	text   io.Reader // the bytes without compression; nil before the first read of a compressed body
	close  func() error

	most  int64 // most bytes of the body
	cut   bool  // the body ends after most bytes; otherwise more is an error
	read  int64
	hold  bool          // the bytes stay in memory, and count against the process
	meter *budget.Meter // counts the bytes in memory: those of the event or of the whole body, and those that are kept
	kept  int64         // bytes of events before that the plugin keeps
}

// newBody returns the body of resp without its compression. If the body is compressed, newBody removes
// the header Content-Encoding. The body of a response with an error status ends after
// sdk.MaxUpstreamErrorBytes.
func newBody(ctx context.Context, c *Client, resp *http.Response) *body {
	b := plainBody(ctx, c, resp.Body)
	if isGzip(resp.Header) {
		b.text = nil
		resp.Header.Del("Content-Encoding")
		resp.ContentLength = -1
	}
	if resp.StatusCode >= http.StatusBadRequest {
		b.most, b.cut = sdk.MaxUpstreamErrorBytes, true
	}
	return b
}

// plainBody returns a body that reads raw, which is not compressed. The body may have
// sdk.MaxUpstreamStreamBytes.
func plainBody(ctx context.Context, c *Client, raw io.ReadCloser) *body {
	b := &body{
		client: c, ctx: ctx, raw: raw, close: sync.OnceValue(raw.Close), most: sdk.MaxUpstreamStreamBytes,
		meter: budget.NewMeter(c.share, sdk.UpstreamFreeBytes),
	}
	b.text = newPaced(ctx, raw)
	return b
}

// paced reads from another reader, at the greatest pace at most.
type paced struct {
	from io.Reader
	ctx  context.Context
	pace *budget.Pace
}

func newPaced(ctx context.Context, from io.Reader) paced {
	return paced{from, ctx, budget.NewPace(sdk.PaceCredit * time.Second)}
}

func (p paced) Read(buf []byte) (int, error) {
	n, err := p.from.Read(buf)
	if wait := p.pace.Wait(p.ctx, time.Duration(n)*byteTime); wait != nil {
		return 0, wait
	}
	return n, err
}

// Read implements io.Reader. It returns fault.ProviderFailed for a body that exceeds its bounds, and
// the error of the request's context if that ends.
func (b *body) Read(p []byte) (int, error) {
	if b.text == nil {
		// The pace counts what arrives, which may be compressed nothing, and what is in it, which may be
		// a thousand times as much.
		zip, err := gzip.NewReader(newPaced(b.ctx, b.raw))
		if err != nil {
			return 0, err
		}
		b.text = newPaced(b.ctx, zip)
	}
	if b.cut {
		if b.read >= b.most {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), b.most-b.read)]
	}
	n, err := b.text.Read(p)
	b.read += int64(n)
	switch {
	case b.read > b.most:
		return 0, b.client.tooMuch("sends more than %d bytes", b.most)
	case b.hold && !b.meter.Add(int64(n), budget.Patience):
		return 0, b.client.noRoom()
	}
	return n, err
}

// Close closes the body. It releases the bytes that count against sdk.MaxUpstreamsBytes.
func (b *body) Close() error {
	b.meter.Reset()
	b.kept = 0
	return b.closeRaw()
}

// closeRaw closes the body, so that a read that waits for bytes returns. Any goroutine may call it,
// also more than once.
func (b *body) closeRaw() error { return b.close() }

package upstream

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// Response is the HTTP response of a server, with a bounded body. One goroutine uses it, and closes it.
type Response struct {
	Status     int
	Header     http.Header
	RetryAfter time.Duration // how long the server asks to wait before a retry; 0 if it does not ask
	client     *Client
	ctx        context.Context
	body       *body
}

// Response returns the Response of an HTTP response that [Client.HTTP], or a library that uses it,
// returned. The library may have replaced the body. The caller closes the Response, and not the body of
// resp.
func (c *Client) Response(resp *http.Response) *Response {
	r := &Response{
		Status: resp.StatusCode, Header: resp.Header, RetryAfter: retryAfter(resp.Header, time.Now()),
		client: c, ctx: resp.Request.Context(),
	}
	var bounded bool
	if r.body, bounded = resp.Body.(*body); !bounded {
		r.body = plainBody(r.ctx, c, resp.Body)
	}
	return r
}

// MediaType returns the media type in the header Content-Type, in lower case and without parameters. It
// returns "" if the header is missing or invalid.
func (r *Response) MediaType() string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// Failed reports whether the status is not a status of success, 200 to 299.
func (r *Response) Failed() bool { return r.Status < 200 || r.Status > 299 }

// ErrorBody reads the body of a response that reports an error, up to sdk.MaxUpstreamErrorBytes. If the
// body breaks off, ErrorBody returns what came before. The text may contain secrets; see [Client.Said].
func (r *Response) ErrorBody() []byte {
	r.body.most, r.body.cut = sdk.MaxUpstreamErrorBytes, true
	text, _ := io.ReadAll(r.body)
	return text
}

// ReadAll reads the body to its end. It returns fault.ProviderFailed if the body has more than most
// bytes, if the process has no memory for it, or if the connection breaks. If the request's context
// ends, it returns the error of the context. The bytes count against sdk.MaxUpstreamsBytes until Close.
func (r *Response) ReadAll(most int64) ([]byte, error) {
	r.body.most, r.body.hold = most, true
	text, err := io.ReadAll(r.body)
	if err != nil {
		return nil, r.broken(err)
	}
	return text, nil
}

// Close closes the body. The client can reuse the connection only if the body was read to its end.
func (r *Response) Close() {
	_ = r.body.Close()
}

// Drain reads the rest of the body and drops it, so that the client can reuse the connection. It gives
// up after a second, or after 64 KiB. The caller still calls Close.
func (r *Response) Drain() {
	stop := time.AfterFunc(drainTimeout, func() { _ = r.body.closeRaw() })
	defer stop.Stop()
	_, _ = io.CopyN(io.Discard, r.body, drainBytes)
}

const (
	drainTimeout = time.Second
	drainBytes   = 64 << 10
)

// broken returns the error of a call whose response could not be read because of err.
func (r *Response) broken(err error) error {
	switch f := known(err); {
	case f != nil:
		return f
	case r.ctx.Err() != nil:
		return fault.Of(r.ctx.Err())
	}
	return fault.New(fault.ProviderFailed, "the connection to %s broke in the middle of the answer: %s", r.client.Server(), r.client.Said(err.Error()))
}

// tooMuch returns fault.ProviderFailed for a response that exceeds its bounds. The message is the name
// of the server, and then the formatted text.
func (c *Client) tooMuch(format string, args ...any) *fault.Error {
	f := fault.New(fault.ProviderFailed, format, args...)
	f.Message = c.Server() + " " + f.Message
	return f
}

// noRoom returns the error of a body for which the process has no room.
func (c *Client) noRoom() *fault.Error {
	return c.tooMuch("sends more than there is room for, beside what other servers send at this moment")
}

// checkEncoding returns an error for a body in a compression that the plugin cannot read.
func (c *Client) checkEncoding(resp *http.Response) error {
	coding := strings.TrimSpace(resp.Header.Get("Content-Encoding"))
	if coding == "" || strings.EqualFold(coding, acceptedEncoding) || isGzip(resp.Header) {
		return nil
	}
	return fault.New(fault.ProviderFailed, "%s answers with the Content-Encoding %.40q, which the plugin did not ask for", c.Server(), coding).
		Upstream(resp.StatusCode)
}

// isGzip reports whether the body is compressed, although the request did not offer that.
func isGzip(h http.Header) bool {
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "gzip", "x-gzip":
		return true
	}
	return false
}

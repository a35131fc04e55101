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

// Response is the response of a server. One goroutine uses it.
type Response struct {
	Status     int
	Header     http.Header
	RetryAfter time.Duration // 0 if the server does not say it
	client     *Client
	ctx        context.Context
	body       *body
}

// Response returns the Response of an HTTP response that Client.HTTP returned, or a library that uses
// it. A library may have replaced the body.
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

// MediaType returns the media type of the body in lower case, or "" if the server says none.
func (r *Response) MediaType() string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// Failed reports whether the status says that the server did not do what was asked for.
func (r *Response) Failed() bool { return r.Status < 200 || r.Status > 299 }

// ErrorBody returns the body of a response that reports an error, cut to sdk.MaxUpstreamErrorBytes.
// What went wrong while it was read is left out. The text may contain secrets; see Client.Said.
func (r *Response) ErrorBody() []byte {
	r.body.most, r.body.cut = sdk.MaxUpstreamErrorBytes, true
	text, _ := io.ReadAll(r.body)
	return text
}

// ReadAll returns the body. If it has more than most bytes, or the process has no room for it,
// ReadAll returns fault.ProviderFailed. The bytes count against the process until Close.
func (r *Response) ReadAll(most int64) ([]byte, error) {
	r.body.most, r.body.hold = most, true
	text, err := io.ReadAll(r.body)
	if err != nil {
		return nil, r.broken(err)
	}
	return text, nil
}

// Close closes the response. The plugin may reuse the connection if the body was read to its end.
func (r *Response) Close() {
	_ = r.body.Close()
}

// Drain reads the rest of the body for as long as a second, so that the connection can be reused. It
// stops at the first 64 KiB.
func (r *Response) Drain() {
	stop := time.AfterFunc(drainTimeout, func() { _ = r.body.closeRaw() })
	defer stop.Stop()
	_, _ = io.CopyN(io.Discard, r.body, drainBytes)
}

const (
	drainTimeout = time.Second
	drainBytes   = 64 << 10
)

// broken returns the error of a body that could not be read.
func (r *Response) broken(err error) error {
	switch f := known(err); {
	case f != nil:
		return f
	case r.ctx.Err() != nil:
		return fault.Of(r.ctx.Err())
	}
	return fault.New(fault.ProviderFailed, "the connection to %s broke in the middle of the answer: %s", r.client.Server(), r.client.Said(err.Error()))
}

// tooMuch returns the error of a body that exceeds its bounds. The message begins with the server.
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

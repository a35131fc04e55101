package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
)

// client sends requests to a running host.
type client struct {
	base  string
	token string // empty if the client sends no token
	http  *http.Client
	// errs gets the progress line of a long call. It may be nil.
	errs io.Writer
}

func (c *client) transport() *http.Transport { return c.http.Transport.(*http.Transport) }

// newClient returns a client for the host at the URL base.
func newClient(base string) (*client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usage(fmt.Errorf("--url (or BOTYARD_URL) is %q; expected an URL such as %s", base, defaultURL))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 0 // no timeout, because a host may wait long for a model
	return &client{
		base: strings.TrimSuffix(base, "/"),
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// call sends in as JSON and decodes the response into out. A nil in means a request without a
// body; a nil out means that the response's body is ignored. call has no timeout of its own.
func (c *client) call(ctx context.Context, method, path string, header http.Header, in, out any) (http.Header, error) {
	defer newProgress(c.errs).waiting("waiting for the host")()
	resp, err := c.send(ctx, method, path, header, in)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if out == nil {
		return resp.Header, nil
	}
	return resp.Header, c.decode(resp.Body, method, out)
}

// decode decodes the body of a response into out. method is the method of the request.
func (c *client) decode(body io.Reader, method string, out any) error {
	in := &errorReader{from: body}
	switch err := json.NewDecoder(in).Decode(out); {
	case in.err != nil:
		return &brokenError{c.base, in.err, method}
	case err != nil:
		return fmt.Errorf("the host at %s answered with what is not its API: %w", c.base, err)
	}
	return nil
}

// errorReader passes on the reads of another reader. It stores an error of a read in err,
// except io.EOF.
type errorReader struct {
	from io.Reader
	err  error
}

// Read implements io.Reader.
func (h *errorReader) Read(b []byte) (int, error) {
	n, err := h.from.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		h.err = err
	}
	return n, err
}

// send sends in as JSON and returns the response. A nil in means a request without a body. If
// the response has an error status, send returns an error instead. The caller closes the
// response's body.
func (c *client) send(ctx context.Context, method, path string, header http.Header, in any) (*http.Response, error) {
	if in == nil {
		return c.sendBody(ctx, method, path, header, "", nil)
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	// By default the encoder writes a "<" as six bytes, which could make a document longer than
	// the host accepts.
	e.SetEscapeHTML(false)
	if err := e.Encode(in); err != nil {
		return nil, err
	}
	return c.sendBody(ctx, method, path, header, "application/json", &body)
}

// sendDocument sends a configuration document with the given media type, and decodes the
// response into out.
func (c *client) sendDocument(ctx context.Context, method, path string, header http.Header, mediaType string, doc *config.Document, out any) error {
	defer newProgress(c.errs).waiting("waiting for the host")()
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	// By default the encoder writes a "<" as six bytes, which could make a document longer than
	// the host accepts.
	e.SetEscapeHTML(false)
	if err := e.Encode(doc.Values()); err != nil {
		return err
	}
	resp, err := c.sendBody(ctx, method, path, header, mediaType, &body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return c.decode(resp.Body, method, out)
}

// sendBody sends a request with a body of any media type, and returns the response as send
// does. It reads the body while it sends it.
func (c *client) sendBody(ctx context.Context, method, path string, header http.Header, mediaType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", mediaType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // The text of url.Error repeats the URL.
		}
		return nil, c.connectionError(err, method)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var p api.Problem
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(b, &p) != nil {
		// the response of Go's TLS servers to plain HTTP
		if bytes.HasPrefix(b, []byte("Client sent an HTTP request to an HTTPS server")) {
			return nil, fmt.Errorf("the server at %s speaks TLS; name it with --url %s", c.base, otherScheme(c.base, "https"))
		}
		return nil, fmt.Errorf("the server at %s answered %s, and not as a botyard host does", c.base, resp.Status)
	}
	return nil, &remoteError{p}
}

// remoteError is an error that the host returned over the API.
type remoteError struct{ api.Problem }

func (e *remoteError) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return e.Detail + "; give it with --token-file"
	case len(e.Problems) == 0:
		return e.Detail
	}
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, problemLine(p))
	}
	return strings.Join(lines, "\n")
}

// problemLine returns a problem as one line, in the form that package config uses.
func problemLine(p api.ConfigProblem) string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Expected != "" {
		b.WriteString("; expected " + p.Expected)
	}
	if p.For != "" {
		b.WriteString(" (for " + p.For + ")")
	}
	return b.String()
}

// pathPart escapes a value as one segment of a URL's path. It also escapes "." and "..",
// because they would move to another path.
func pathPart(value string) string {
	if value == "." || value == ".." {
		return strings.ReplaceAll(value, ".", "%2e")
	}
	return url.PathEscape(value)
}

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
	token string // empty: none is sent
	http  *http.Client
	// errs gets the progress line of a long call; nil for none.
	errs io.Writer
}

func (c *client) transport() *http.Transport { return c.http.Transport.(*http.Transport) }

// newClient returns a client for the host at the URL.
func newClient(base string) (*client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usage(fmt.Errorf("--url (or BOTYARD_URL) is %q; expected an URL such as %s", base, defaultURL))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 0 // none: a chat waits for a model
	return &client{
		base: strings.TrimSuffix(base, "/"),
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// call sends in as JSON, unless it is nil, and decodes the answer into out, unless that is
// nil. It waits as long as the host takes.
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

// decode decodes an answer to a request with the method.
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

// errorReader keeps the error of a reader, except io.EOF.
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

// send sends in as JSON, unless it is nil, and returns the answer if its status is not an error.
// The caller must close its body.
func (c *client) send(ctx context.Context, method, path string, header http.Header, in any) (*http.Response, error) {
	if in == nil {
		return c.sendBody(ctx, method, path, header, "", nil)
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // six bytes for a "<" would make a document that may be sent too large
	if err := e.Encode(in); err != nil {
		return nil, err
	}
	return c.sendBody(ctx, method, path, header, "application/json", &body)
}

// sendDocument sends a configuration with the media type, and decodes the answer into out.
func (c *client) sendDocument(ctx context.Context, method, path string, header http.Header, mediaType string, doc *config.Document, out any) error {
	defer newProgress(c.errs).waiting("waiting for the host")()
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // for the same reason as in send
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

// sendBody is send with a body of any media type. It is read while it is sent.
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
			err = inner.Err // the outer error repeats the URL
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
		if bytes.HasPrefix(b, []byte("Client sent an HTTP request to an HTTPS server")) { // the text of Go's servers
			return nil, fmt.Errorf("the server at %s speaks TLS; name it with --url %s", c.base, otherScheme(c.base, "https"))
		}
		return nil, fmt.Errorf("the server at %s answered %s, and not as a botyard host does", c.base, resp.Status)
	}
	return nil, &remoteError{p}
}

// remoteError is an error that the host answered.
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

// problemLine returns a problem in one line, worded as package config does.
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

// pathPart returns a value escaped as a part of a path. A value of dots alone would
// otherwise be a step in the path.
func pathPart(value string) string {
	if value == "." || value == ".." {
		return strings.ReplaceAll(value, ".", "%2e")
	}
	return url.PathEscape(value)
}

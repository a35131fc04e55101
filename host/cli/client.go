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

// client talks to a running host.
type client struct {
	base  string
	token string // empty: none is sent
	http  *http.Client
	// errs is where it is shown that a call takes long; nil for nowhere.
	errs io.Writer
}

func (c *client) transport() *http.Transport { return c.http.Transport.(*http.Transport) }

func newClient(base string) (*client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usage(fmt.Errorf("--url (or BOTYARD_URL) is %q; expected an URL such as %s", base, defaultURL))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 0 // a chat waits for a model
	return &client{
		base: strings.TrimSuffix(base, "/"),
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// call sends in, if not nil, as JSON, and reads the answer into out, if not nil. It waits
// as long as the host takes, and shows that it does.
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
	return resp.Header, c.decode(resp.Body, method == http.MethodGet, out)
}

// decode reads an answer, of a call that only reads or that changes something.
func (c *client) decode(body io.Reader, reads bool, out any) error {
	in := &heard{from: body}
	switch err := json.NewDecoder(in).Decode(out); {
	case in.err != nil:
		return &brokenError{c.base, in.err, reads}
	case err != nil:
		return fmt.Errorf("the host at %s answered with what is not its API: %w", c.base, err)
	}
	return nil
}

// heard keeps why an answer could not be read on; its end is no reason.
type heard struct {
	from io.Reader
	err  error
}

// Read implements io.Reader.
func (h *heard) Read(b []byte) (int, error) {
	n, err := h.from.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		h.err = err
	}
	return n, err
}

// send gives an answer that is no error; whoever gets it closes its body.
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

// sendDocument sends a configuration as a body of that type, and reads the answer into out.
func (c *client) sendDocument(ctx context.Context, method, path string, header http.Header, kind string, doc *config.Document, out any) error {
	defer newProgress(c.errs).waiting("waiting for the host")()
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false) // as in send
	if err := e.Encode(doc.Values()); err != nil {
		return err
	}
	resp, err := c.sendBody(ctx, method, path, header, kind, &body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return c.decode(resp.Body, false, out)
}

// sendBody is send with a body of a type, which is sent as it comes.
func (c *client) sendBody(ctx context.Context, method, path string, header http.Header, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
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
			err = inner.Err // the rest says again where
		}
		return nil, c.failure(err, method == http.MethodGet)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var p api.Problem
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(b, &p) != nil {
		if bytes.HasPrefix(b, []byte("Client sent an HTTP request to an HTTPS server")) { // as Go's servers say it
			return nil, fmt.Errorf("the server at %s speaks TLS; name it with --url %s", c.base, otherScheme(c.base, "https"))
		}
		return nil, fmt.Errorf("the server at %s answered %s, and not as a botyard host does", c.base, resp.Status)
	}
	return nil, &remoteError{p}
}

// remoteError is a problem that the host answered.
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

// problemLine words a problem as package config does.
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

// pathPart is a value as a part of a path. Dots alone would be a step in it.
func pathPart(value string) string {
	if value == "." || value == ".." {
		return strings.ReplaceAll(value, ".", "%2e")
	}
	return url.PathEscape(value)
}

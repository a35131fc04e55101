package upstream

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
)

// Options describe the server of a Client.
type Options struct {
	Base *url.URL // requests go to paths below it
	// Name is the server in errors, such as "the OpenAI server". The address follows it.
	Name string
	// Header has the headers of each request, such as the one with the key.
	Header http.Header
	// Secrets are the texts that no error may repeat.
	Secrets []string
	// Dialer opens the connections. A nil Dialer allows every address.
	Dialer *egress.Dialer
}

// Client sends requests to one server. It has HTTP connections of its own. Its methods may be called
// concurrently.
type Client struct {
	base      *url.URL
	name      string
	secrets   *Secrets
	http      *http.Client
	transport *transport
	share     *budget.Share // bounds the memory for the responses of all servers in this process
}

// New returns a client. It opens no connection. If the egress policy forbids the address in the base
// URL, New returns fault.Invalid at base_url.
func New(o Options) (*Client, error) {
	if err := CheckAddress(o.Dialer, o.Base); err != nil {
		return nil, err
	}
	c := &Client{base: o.Base, name: o.Name, secrets: NewSecrets(o.Secrets...), share: budget.Upstreams.Share()}
	c.transport = &transport{client: c, header: o.Header, base: newTransport(o.Base, o.Dialer)}
	c.http = &http.Client{Transport: c.transport, CheckRedirect: c.refuseRedirect}
	return c, nil
}

// CheckAddress returns fault.Invalid at base_url if the egress policy forbids the address in the URL.
// It looks up no name.
func CheckAddress(d *egress.Dialer, base *url.URL) error {
	if err := d.CheckLiteral(base.Hostname(), PortOf(base)); err != nil {
		return notAllowed(egress.Of(err))
	}
	return nil
}

// notAllowed returns the error for an address that the egress policy forbids.
func notAllowed(r *egress.Refusal) *fault.Error { return invalidBase("%s", r.Words()) }

// Close closes the idle connections. No call may run then or follow.
func (c *Client) Close() { c.transport.base.CloseIdleConnections() }

// HTTP returns what sends the requests, for a library that has requests and responses of its own.
// The bodies of its responses keep the bounds, and that of a response with an error status ends after
// sdk.MaxUpstreamErrorBytes. The library must not repeat requests. [Client.Response] makes a Response
// of what the library returns, and [Client.Unreachable] an error.
func (c *Client) HTTP() *http.Client { return c.http }

// Server returns the name and the address of the server for error messages.
func (c *Client) Server() string { return c.name + " at " + c.base.Host }

// Said returns a text of the server for an error message: without secrets, on one line, and short.
func (c *Client) Said(text string) string { return shorten(c.secrets.Cut(text)) }

// Request is a request to the server.
type Request struct {
	Method string
	Path   string     // below the base URL, such as "chat/completions"; escaped
	Query  url.Values // may be nil
	Header http.Header
	Body   []byte // JSON, or nil
	Accept string // a media type
}

// Do sends a request once. It returns a response of any status, whose Close the caller calls. The
// error is of package fault.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	at := c.base.JoinPath(r.Path)
	at.RawQuery = r.Query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.Method, at.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fault.New(fault.Internal, "the request to %s cannot be made", c.Server())
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.Unreachable(ctx, err)
	}
	return c.Response(resp), nil
}

// refuseRedirect returns an error for each redirect, so that the key and the conversation go only to
// the configured server.
func (c *Client) refuseRedirect(*http.Request, []*http.Request) error {
	return invalidBase("%s redirects; expected the address of the API itself", c.Server())
}

// maxSaid is the most characters of a server's text that an error repeats.
const maxSaid = 300

// shorten returns s on one line, cut to maxSaid characters.
func shorten(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "?")
	if r := []rune(s); len(r) > maxSaid {
		s = string(r[:maxSaid]) + "…"
	}
	return s
}

// known returns the fault in the chain of err, or nil.
func known(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return nil
}

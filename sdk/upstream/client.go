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

// Options describe the server of a Client, and how the Client reaches it.
type Options struct {
	Base *url.URL // the URL that ParseBaseURL returned; each request adds its path
	// Name is what errors call the server, such as "the OpenAI server". Errors put its host after the name.
	Name string
	// Header has the headers that each request gets, such as the one with the API key. They replace headers
	// of the same name. The caller does not change the map after New.
	Header http.Header
	// Secrets are the texts that no error may contain, such as the API key.
	Secrets []string
	// Dialer opens the TCP connections, and enforces the egress policy. A nil Dialer allows every address.
	Dialer *egress.Dialer
}

// Client sends HTTP requests to one server. It has HTTP connections of its own. Any number of
// goroutines may call its methods at the same time, except Close.
type Client struct {
	base      *url.URL
	name      string
	secrets   *Secrets
	http      *http.Client
	transport *transport
	share     *budget.Share // bounds the memory for the responses of all servers in this process
}

// New returns a client. It opens no connection and looks up no name. If the egress policy forbids the
// host in the base URL, New returns fault.Invalid at base_url. The caller closes the client.
func New(o Options) (*Client, error) {
	if err := CheckAddress(o.Dialer, o.Base); err != nil {
		return nil, err
	}
	c := &Client{base: o.Base, name: o.Name, secrets: NewSecrets(o.Secrets...), share: budget.Upstreams.Share()}
	c.transport = &transport{client: c, header: o.Header, base: newTransport(o.Base, o.Dialer)}
	c.http = &http.Client{Transport: c.transport, CheckRedirect: c.refuseRedirect}
	return c, nil
}

// CheckAddress returns fault.Invalid at base_url if the egress policy of d forbids the host in base. It
// checks IP addresses and localhost. It accepts other names, because it looks up none: d checks their
// addresses when it connects. A nil d allows every host.
func CheckAddress(d *egress.Dialer, base *url.URL) error {
	if err := d.CheckLiteral(base.Hostname(), PortOf(base)); err != nil {
		return notAllowed(egress.Of(err))
	}
	return nil
}

// notAllowed returns the error for an address that the egress policy forbids.
func notAllowed(r *egress.Refusal) *fault.Error { return invalidBase("%s", r.Words()) }

// Close closes the idle connections. The caller calls Close when all calls have returned, and makes no
// call afterwards.
func (c *Client) Close() { c.transport.base.CloseIdleConnections() }

// HTTP returns the HTTP client, for a library that makes requests and reads responses itself. The HTTP
// client adds Options.Header to the requests, and bounds the bodies of the responses. The body of a
// response with an error status ends after sdk.MaxUpstreamErrorBytes. The library must not repeat
// requests. [Client.Response] makes a Response of a response that the library returns, and
// [Client.Unreachable] makes the error of a request without one.
func (c *Client) HTTP() *http.Client { return c.http }

// Server returns the name and the host of the server for error messages, as in "the OpenAI server at
// api.openai.com".
func (c *Client) Server() string { return c.name + " at " + c.base.Host }

// Said makes a text from the server fit for an error message. It cuts the secrets out, puts the text on
// one line, and cuts it after 300 characters.
func (c *Client) Said(text string) string { return shorten(c.secrets.Cut(text)) }

// Request is an HTTP request to the server.
type Request struct {
	Method string
	Path   string      // relative to the base URL, with URL escapes, such as "chat/completions"
	Query  url.Values  // may be nil
	Header http.Header // more headers; may be nil
	Body   []byte      // JSON, or nil
	Accept string      // the media type of the header Accept; "" sends no such header
}

// Do sends the request once, and returns when the headers of the response have arrived. The response
// may have any status. The caller closes it. If there is no response, Do returns the error of
// [Client.Unreachable]. A redirect is fault.Invalid at base_url.
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

// refuseRedirect returns fault.Invalid for each redirect, so that the API key and the conversation go
// only to the configured server.
func (c *Client) refuseRedirect(*http.Request, []*http.Request) error {
	return invalidBase("%s redirects; expected the address of the API itself", c.Server())
}

// maxSaid is how many characters of a server's text an error repeats at most.
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

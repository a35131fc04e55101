package upstream

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// serve runs a server until the test ends, and returns a client for it.
func serve(t *testing.T, handle http.HandlerFunc, change func(*Options)) *Client {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return open(t, s.URL, change)
}

func open(t *testing.T, base string, change func(*Options)) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Base: u, Name: "the server"}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// get sends a request, and closes the response when the test ends.
func get(t *testing.T, c *Client) (*Response, error) {
	t.Helper()
	r, err := c.Do(t.Context(), &Request{Method: http.MethodGet, Path: "x"})
	if err == nil {
		t.Cleanup(r.Close)
	}
	return r, err
}

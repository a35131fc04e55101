package api

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// validated returns a handler that checks the path, the headers and the query of a request, and
// then calls h. It refuses a value that is empty, repeated, not text, or not listed for the route.
// An empty value is an error, because a script that puts an unset variable into a request does not
// intend to omit the value: for example, an empty user must not mean all users.
func (ro route) validated(pattern string, h handler) handler {
	names := pathParameters(pattern)
	return func(w http.ResponseWriter, r *http.Request) error {
		for _, name := range names {
			if err := checkText(name, r.PathValue(name)); err != nil {
				return err
			}
		}
		if err := cmp.Or(checkHeaderCount(r.Header), checkHeaderValues(r.Header)); err != nil {
			return err
		}
		q, err := readQuery(r, ro.query...)
		if err != nil {
			return err
		}
		if !ro.body {
			if err := refuseBody(w, r); err != nil {
				return err
			}
		}
		if len(q.values) > 0 {
			r = r.WithContext(context.WithValue(r.Context(), queryKey{}, q))
		}
		return h(w, r)
	}
}

// pathParameters returns the names of the parameters in a pattern: "id" for {id}.
func pathParameters(pattern string) []string {
	var names []string
	for part := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// singleHeaders are the headers that the routes read. A request may have each of them at most once.
var singleHeaders = []string{
	tenantHeader, "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID", "Authorization", "Content-Type",
}

// checkHeaderValues returns an error if one of the singleHeaders is empty, not text, or repeated.
func checkHeaderValues(h http.Header) error {
	for _, name := range singleHeaders {
		values := h.Values(name)
		var err error
		switch len(values) {
		case 0:
			continue
		case 1:
			err = checkText(name, values[0])
		default:
			err = malformed(name, "is given %d times", len(values))
		}
		if err != nil && name == "Content-Type" {
			err = withStatus(http.StatusUnsupportedMediaType, fault.Of(err))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkText returns an error if the value of a header, a path parameter or a query parameter is
// empty or not text.
func checkText(name, value string) error {
	switch {
	case value == "":
		return malformed(name, "is empty; leave it out if there is none")
	case !utf8.ValidString(value):
		return malformed(name, "is not UTF-8 text")
	case strings.ContainsFunc(value, unicode.IsControl):
		return malformed(name, "has control characters")
	}
	return nil
}

// refuseBody returns an error if the request has a body. A route without a body must not ignore the
// body of a request: {"dry_run": true} in an ignored body would not be a dry run.
func refuseBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	if r.ContentLength < 0 { // a chunked body, whose length is not known yet
		c, release := boundRead(w, r)
		defer release()
		n, err := r.Body.Read(make([]byte, 1))
		switch {
		case n == 0 && err == io.EOF:
			markBodyRead(w)
			_ = c.SetReadDeadline(time.Time{})
			return nil
		case n == 0 && r.Context().Err() != nil:
			return context.Cause(r.Context())
		}
	}
	return malformedAt(nil, "this request has no body; expected none")
}

// checkHeaderCount returns an error if the request has too many headers.
func checkHeaderCount(h http.Header) error {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	if n <= bounds.HeaderFields {
		return nil
	}
	return withStatus(http.StatusRequestHeaderFieldsTooLarge,
		fault.New(fault.Invalid, "the request has %d headers; at most %d are taken", n, bounds.HeaderFields).By(fault.PartyCaller))
}

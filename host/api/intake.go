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

	"github.com/botyard/botyard/sdk/fault"
)

// intake is what each request passes before its route answers. What is given and
// empty is an error, never as if it were left out: the variable that a script meant
// to put there was not set, and "all users" is not what it asked for. So is what is
// given twice, what is no text, and what the route does not have.
func (s *Server) intake(pattern string, ro route) handler {
	values := pathValues(pattern)
	answer := s.admitted(pattern, ro.class, ro.answer)
	return func(w http.ResponseWriter, r *http.Request) error {
		for _, name := range values {
			if err := checkText(name, r.PathValue(name)); err != nil {
				return err
			}
		}
		if err := cmp.Or(checkFields(r.Header), checkHeaders(r.Header)); err != nil {
			return err
		}
		q, err := readQuery(r, ro.params...)
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
		return answer(w, r)
	}
}

// pathValues names the values in a pattern, {id} and the like.
func pathValues(pattern string) []string {
	var names []string
	for part := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// readHeaders are all that any route looks at. Each may come once, to any route.
var readHeaders = []string{
	tenantHeader, "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID", "Authorization", "Content-Type",
}

func checkHeaders(h http.Header) error {
	for _, name := range readHeaders {
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

// checkText says what is wrong with a value that was given outside of a body.
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

// refuseBody is for a route without one: {"dry_run": true} in a body that nobody
// reads would not be a dry run.
func refuseBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	if r.ContentLength < 0 { // it says only at its end how long it is
		c, forget := boundReading(w, r)
		defer forget()
		n, err := r.Body.Read(make([]byte, 1))
		switch {
		case n == 0 && err == io.EOF:
			noteWhole(w)
			_ = c.SetReadDeadline(time.Time{})
			return nil
		case n == 0 && r.Context().Err() != nil:
			return context.Cause(r.Context())
		}
	}
	return malformed("", "this request has no body; expected none")
}

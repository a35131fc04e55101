package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/fault"
)

// query has the query parameters of a request. readQuery has checked that the route knows each
// parameter, and that no parameter is repeated or empty.
type query struct {
	values url.Values
}

type queryKey struct{}

// queryOf returns the parameters that readQuery has read.
func queryOf(r *http.Request) query {
	q, _ := r.Context().Value(queryKey{}).(query)
	return q
}

// readQuery reads the query parameters of the request. It refuses names that are not in names, so
// that a misspelt parameter, such as a limit, is not silently ignored.
func readQuery(r *http.Request, names ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, malformedAt(nil, "the query of the URL cannot be read: %w", err)
	}
	for name, given := range values {
		switch {
		case len(names) == 0:
			return query{}, malformed(clip(name), "is not a parameter of this request, which has none")
		case !slices.Contains(names, name):
			return query{}, malformed(clip(name), "is not a parameter of this request; expected %s", strings.Join(names, ", "))
		case len(given) > 1:
			return query{}, malformed(name, "is given %d times", len(given))
		}
		if err := checkText(name, given[0]); err != nil {
			return query{}, err
		}
	}
	return query{values}, nil
}

// text returns a parameter, or "" if the parameter is missing.
func (q query) text(name string) string { return q.values.Get(name) }

// id returns a parameter that is the id of a user or a conversation, or "" if the parameter is
// missing.
func (q query) id(name string) (string, error) {
	id := q.text(name)
	if id == "" {
		return "", nil
	}
	if err := bot.CheckID(name, id); err != nil {
		return "", malformed(name, "%s", fault.Of(err).Message)
	}
	return id, nil
}

// These constants are the default and the maximum of the parameter limit.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// limit returns the requested number of entries on a page.
func (q query) limit() (int, error) {
	text := q.text("limit")
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, malformed("limit", "is %q; expected a number from 1 to %d", clip(text), maxLimit)
	}
	return n, nil
}

// flag returns a boolean parameter, or false if the parameter is missing.
func (q query) flag(name string) (bool, error) {
	switch text := q.text(name); text {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, malformed(name, "is %q; expected true or false", clip(text))
	}
}

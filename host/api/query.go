package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query reads a request's parameters, each at most once and none that is not known:
// a misspelt limit would be no limit.
type query struct {
	values url.Values
}

func readQuery(r *http.Request, names ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, malformed("", "the query of the URL cannot be read: %w", err)
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
	}
	return query{values}, nil
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

func (q query) limit() (int, error) {
	text := q.values.Get("limit")
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, malformed("limit", "is %q; expected a number from 1 to %d", clip(text), maxLimit)
	}
	return n, nil
}

func (q query) flag(name string) (bool, error) {
	switch text := q.values.Get(name); text {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, malformed(name, "is %q; expected true or false", clip(text))
	}
}

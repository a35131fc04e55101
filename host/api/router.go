package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// router selects the route of a request by the escaped path. It splits the path at the slashes
// before it unescapes the parts, because an id may contain an escaped slash. http.ServeMux would
// treat an escaped slash as the end of a part.
//
// The server calls add for all paths before the first request.
type router struct {
	paths    []routedPath
	notFound http.Handler // for paths without a route
	unclean  http.Handler // for paths with a part that is empty, "." or ".."
}

// routedPath is one path with the handlers of its methods.
type routedPath struct {
	pattern string
	parts   []string // the parts of the pattern; {NAME} matches any part that is not empty
	methods map[string]http.Handler
	other   http.Handler // for methods that are not in the map
}

// add adds a path with a handler for each method, and a handler for all other methods. The handler
// of GET also serves HEAD.
func (ro *router) add(pattern string, methods map[string]http.Handler, other http.Handler) {
	ro.paths = append(ro.paths, routedPath{pattern, strings.Split(pattern[1:], "/"), methods, other})
	// If two patterns match a path, a fixed part wins over a parameter.
	slices.SortFunc(ro.paths, func(a, b routedPath) int { return strings.Compare(a.order(), b.order()) })
}

// order returns the sort key of the pattern. Parameters sort last.
func (p routedPath) order() string { return strings.ReplaceAll(p.pattern, "{", "\xff") }

// ServeHTTP implements http.Handler. It sets the request's pattern and path values in the same way
// as http.ServeMux.
func (ro *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if !isClean(path) {
		ro.unclean.ServeHTTP(w, r)
		return
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil { // EscapedPath is normally valid, because net/url has parsed the URL
			ro.notFound.ServeHTTP(w, r)
			return
		}
		parts[i] = plain
	}
	for i := range ro.paths {
		if p := &ro.paths[i]; p.matches(parts) {
			p.serve(w, r, parts)
			return
		}
	}
	r.Pattern = "/"
	ro.notFound.ServeHTTP(w, r)
}

// matches reports whether the unescaped parts of a path match the pattern. A parameter does not
// match an empty part.
func (p *routedPath) matches(parts []string) bool {
	if len(parts) != len(p.parts) {
		return false
	}
	for i, want := range p.parts {
		if parts[i] != want && (want[0] != '{' || parts[i] == "") {
			return false
		}
	}
	return true
}

// serve sets the path values and calls the handler of the method.
func (p *routedPath) serve(w http.ResponseWriter, r *http.Request, parts []string) {
	for i, want := range p.parts {
		if want[0] == '{' {
			r.SetPathValue(want[1:len(want)-1], parts[i])
		}
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ok := p.methods[method]; ok {
		r.Pattern = method + " " + p.pattern
		h.ServeHTTP(w, r)
		return
	}
	r.Pattern = p.pattern
	p.other.ServeHTTP(w, r)
}

// isClean reports whether the path has no part that is empty, "." or "..". A path may end in a
// slash. A proxy could shorten a path with such a part to a path with another meaning, for example
// from one conversation with an empty id to all conversations.
func isClean(path string) bool {
	rest, more := strings.CutPrefix(path, "/")
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		if part == "." || part == ".." || part == "" && more {
			return false
		}
	}
	return true
}

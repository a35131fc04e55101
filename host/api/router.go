package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// router finds the route of a request by its path as it was sent. It splits the path at
// the slashes first and unescapes the parts afterwards, because an id may contain an
// escaped slash. http.ServeMux takes that for the end of a part.
//
// Call add for all paths before the first request.
type router struct {
	paths    []routedPath
	notFound http.Handler // for paths that no route has
	unclean  http.Handler // for paths with parts that are empty or made of dots
}

// routedPath is one path with the handlers of its methods.
type routedPath struct {
	pattern string
	parts   []string // parts of the pattern; {NAME} matches any part
	methods map[string]http.Handler
	other   http.Handler // for the methods that are not listed
}

// add adds a path with a handler for each method, and one for all other methods. GET also
// answers HEAD.
func (ro *router) add(pattern string, methods map[string]http.Handler, other http.Handler) {
	ro.paths = append(ro.paths, routedPath{pattern, strings.Split(pattern[1:], "/"), methods, other})
	// Of two paths that match, the one with a fixed part wins over one with a parameter.
	slices.SortFunc(ro.paths, func(a, b routedPath) int { return strings.Compare(a.order(), b.order()) })
}

// order returns the sort key of the path: parameters sort last.
func (p routedPath) order() string { return strings.ReplaceAll(p.pattern, "{", "\xff") }

// ServeHTTP implements http.Handler. It sets the request's pattern and path values, as
// http.ServeMux does.
func (ro *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if !isClean(path) {
		ro.unclean.ServeHTTP(w, r)
		return
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil { // although the parser of URLs took it
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

// matches reports whether the parts are those of the path. An empty part matches no
// parameter.
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

// isClean reports whether no part of the path is empty or made of dots. A proxy could read
// such a path as a shorter one with another meaning: an empty id is not an id that was
// left out. The path may end in a slash.
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

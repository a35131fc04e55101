package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// router finds the route of a request by its path as it was sent. A part of a path is
// whatever stands between two slashes, unescaped: an id may be a slash itself, which
// http.ServeMux takes for the end of a path.
type router struct {
	paths   []routedPath
	nothing http.Handler // for paths that no route has
	unclean http.Handler // for paths with parts that are empty or made of dots
}

// routedPath is a path with its methods.
type routedPath struct {
	pattern string
	parts   []string // {NAME} for any
	methods map[string]http.Handler
	other   http.Handler // for other methods
}

// add has the handler answer a method of a path. GET answers HEAD too.
func (ro *router) add(pattern string, methods map[string]http.Handler, other http.Handler) {
	ro.paths = append(ro.paths, routedPath{pattern, strings.Split(pattern[1:], "/"), methods, other})
	// Where two paths fit, the one with a name in the place of any part wins.
	slices.SortFunc(ro.paths, func(a, b routedPath) int { return strings.Compare(a.order(), b.order()) })
}

// order has what is in braces last.
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
		if err != nil { // of what the URL's own parser took
			ro.nothing.ServeHTTP(w, r)
			return
		}
		parts[i] = plain
	}
	for i := range ro.paths {
		if p := &ro.paths[i]; p.fits(parts) {
			p.serve(w, r, parts)
			return
		}
	}
	r.Pattern = "/"
	ro.nothing.ServeHTTP(w, r)
}

// fits says whether the parts are those of the path. One that is empty fits nothing.
func (p *routedPath) fits(parts []string) bool {
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

// isClean says whether each part of a path says what it is. A proxy could read any other
// as a shorter path, which means something else: an id that is empty is not an id that
// is left out.
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

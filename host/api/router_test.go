package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRouter(t *testing.T) {
	said := ""
	repliesWith := func(what string) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			said = what + " " + r.PathValue("id") + " " + r.Pattern
		})
	}
	ro := &router{notFound: repliesWith("nothing"), unclean: repliesWith("unclean")}
	ro.add("/c/{id}", map[string]http.Handler{"GET": repliesWith("one"), "DELETE": repliesWith("delete")}, repliesWith("no method"))
	ro.add("/c/{id}/turns", map[string]http.Handler{"GET": repliesWith("turns")}, repliesWith("no method"))
	ro.add("/c/all", map[string]http.Handler{"GET": repliesWith("all")}, repliesWith("no method"))
	ro.add("/c", map[string]http.Handler{"GET": repliesWith("list")}, repliesWith("no method"))
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/c", "list  GET /c"},
		{"HEAD", "/c", "list  GET /c"},
		{"GET", "/c/a", "one a GET /c/{id}"},
		{"DELETE", "/c/a", "delete a DELETE /c/{id}"},
		{"POST", "/c/a", "no method a /c/{id}"},
		{"GET", "/c/all", "all  GET /c/all"},
		{"GET", "/c/%61ll", "all  GET /c/all"},
		{"GET", "/c/%2F", "one / GET /c/{id}"},
		{"GET", "/c/%2f/turns", "turns / GET /c/{id}/turns"},
		{"GET", "/c/%2F%2F", "one // GET /c/{id}"},
		{"GET", "/c/%2e%2E", "one .. GET /c/{id}"},
		{"GET", "/c/a%2Fturns", "one a/turns GET /c/{id}"},
		{"GET", "/c/%252F", "one %2F GET /c/{id}"},
		{"GET", "/c/a+b%20c", "one a+b c GET /c/{id}"},
		{"GET", "/c/{id}", "one {id} GET /c/{id}"},
		{"GET", "/c/", "nothing  /"},
		{"GET", "/c/a/", "nothing  /"},
		{"GET", "/", "nothing  /"},
		{"GET", "/x", "nothing  /"},
		{"GET", "/c/a/turns/1", "nothing  /"},
		{"GET", "/c//turns", "unclean  "},
		{"GET", "/c/../c", "unclean  "},
		{"GET", "/c/./turns", "unclean  "},
		{"GET", "//c", "unclean  "},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			said = ""
			ro.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c.method, "http://h"+c.path, nil))
			if said != c.want {
				t.Errorf("%q, want %q", said, c.want)
			}
		})
	}
}

package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// handler answers, or says what is wrong before anything was written.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one method of a path: who answers, and what it can be given beside the
// values in its path. What is not named here never comes to its handler.
type route struct {
	answer handler
	params []string // names of the query's parameters
	body   bool     // it reads one
	class  class    // whose slots it takes
	act    string   // what it changes, as an operator's act; empty for what changes nothing
}

// chatRoute is the path of turns. chatAlias was its path before, and answers as it does
// until version 1.0.
const (
	chatRoute = "/api/v1/chat"
	chatAlias = "/v1/chat"
)

// routes is the whole API.
func (s *Server) routes() map[string]map[string]route {
	bare := func(c class, h handler, params ...string) route {
		return route{answer: h, params: params, class: c}
	}
	full := func(c class, h handler, params ...string) route {
		return route{answer: h, params: params, class: c, body: true}
	}
	act := func(name string, ro route) route { ro.act = name; return ro }
	return map[string]map[string]route{
		"/api/v1/chat":                     {"POST": full(turns, s.chat)},
		"/v1/chat":                         {"POST": full(turns, s.chat)}, // until 1.0
		"/api/v1/conversations":            {"GET": bare(reads, s.listConversations, "limit", "after", "user_id")},
		"/api/v1/conversations/{id}":       {"GET": bare(reads, s.readConversation, "limit", "after", "user_id"), "DELETE": bare(deletions, s.deleteConversation, "user_id")},
		"/api/v1/conversations/{id}/turns": {"GET": bare(reads, s.readTurns, "limit", "after", "user_id")},

		"/admin/v1/tenants":                                                {"GET": bare(adminReads, s.listTenants, "after", "limit")},
		"/admin/v1/tenants/{id}":                                           {"PUT": act("put tenant", full(adminActs, s.putTenant, "dry_run", "as")), "PATCH": act("patch tenant", full(adminActs, s.patchTenant, "dry_run", "as")), "GET": bare(adminReads, s.getTenant, "as"), "DELETE": act("remove tenant", bare(adminActs, s.deleteTenant, "as"))},
		"/admin/v1/tenants/{id}/config":                                    {"GET": bare(adminReads, s.explainTenant)},
		"/admin/v1/tenants/{id}/versions":                                  {"GET": bare(adminReads, s.tenantHistory, "limit", "before")},
		"/admin/v1/tenants/{id}/versions/{version}":                        {"GET": bare(adminReads, s.tenantVersion)},
		"/admin/v1/tenants/{id}/rollback":                                  {"POST": act("roll back tenant", full(adminActs, s.rollbackTenant, "as"))},
		"/admin/v1/tenants/{id}/restore":                                   {"POST": act("restore tenant", bare(adminActs, s.restoreTenant))},
		"/admin/v1/tenants/{id}/export":                                    {"GET": bare(exports, s.exportTenant, "user", "current")},
		"/admin/v1/tenants/{id}/import":                                    {"POST": act("import tenant", full(imports, s.importTenant, "register"))},
		"/admin/v1/tenants/{id}/erase":                                     {"POST": act("erase", full(sweeps, s.eraseTenant))},
		"/admin/v1/tenants/{id}/purge":                                     {"POST": act("purge tenant", full(sweeps, s.purgeTenant))},
		"/admin/v1/tenants/{id}/conversations/{conversation}/turns/{turn}": {"GET": bare(adminReads, s.showTurn, "by", "compose")},

		"/admin/v1/reload":     {"POST": act("reload", bare(adminActs, s.reload, "dry_run", "confirm_removed"))},
		"/admin/v1/cache":      {"GET": bare(adminReads, s.listCache), "DELETE": act("clear cache", bare(adminActs, s.clearCache))},
		"/admin/v1/cache/{id}": {"GET": bare(adminReads, s.getCached), "DELETE": act("evict bot", bare(adminActs, s.evict))},
		"/admin/v1/plugins":    {"GET": bare(adminReads, s.listPlugins)},

		"/metrics": {"GET": bare(scrapes, s.showMetrics)},

		"/healthz": {"GET": bare(probes, s.healthz)},
		"/readyz":  {"GET": bare(probes, s.readyz)},
	}
}

// mux serves the routes, each for those who may come there.
func (s *Server) mux(routes map[string]map[string]route) http.Handler {
	m := &router{}
	for path, methods := range routes {
		var allowed []string
		handlers := map[string]http.Handler{}
		for method, ro := range methods {
			handlers[method] = answering(s.admit(path, s.atWork(path, ro.acting(s.intake(path, ro)))))
			allowed = append(allowed, method)
			if method == "GET" {
				allowed = append(allowed, "HEAD")
			}
		}
		slices.Sort(allowed)
		allow := strings.Join(allowed, ", ")
		m.add(path, handlers, answering(s.admit(path, func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Allow", allow)
			return withStatus(http.StatusMethodNotAllowed, fault.New(fault.Invalid, "%s is not a method of %s; expected %s", clip(r.Method), clip(r.URL.Path), allow))
		})))
	}
	m.nothing = answering(s.admit("/", func(_ http.ResponseWriter, r *http.Request) error {
		if moved := movedTo(r.URL.Path); moved != "" {
			return fault.New(fault.NotFound, "there is nothing at %s any more; its path is %s", clip(r.URL.Path), clip(moved))
		}
		return fault.New(fault.NotFound, "there is nothing at %s", clip(r.URL.Path))
	}))
	m.unclean = answering(s.admit("/", func(_ http.ResponseWriter, r *http.Request) error {
		return malformed("", "the path %s has a part that is empty or made of dots; expected every part to be given, and dots that are a name as %%2e", clip(r.URL.EscapedPath()))
	}))
	return m
}

// movedTo returns the path that a route has which was at path before; empty if none was.
func movedTo(path string) string {
	const before = "/v1/conversations"
	if path == before || strings.HasPrefix(path, before+"/") {
		return "/api" + path
	}
	return ""
}

func answering(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeError(w, r, ended(r, err))
		}
	})
}

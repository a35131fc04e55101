package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// handler answers, or says what is wrong before anything was written.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes is the whole API.
func (s *Server) routes() map[string]map[string]handler {
	return map[string]map[string]handler{
		"/v1/chat":                     {"POST": s.chat},
		"/v1/conversations":            {"GET": s.listConversations},
		"/v1/conversations/{id}":       {"GET": s.readConversation, "DELETE": s.deleteConversation},
		"/v1/conversations/{id}/turns": {"GET": s.readTurns},

		"/admin/v1/tenants":                                                {"GET": s.listTenants},
		"/admin/v1/tenants/{id}":                                           {"PUT": s.putTenant, "GET": s.getTenant, "DELETE": s.deleteTenant},
		"/admin/v1/tenants/{id}/config":                                    {"GET": s.explainTenant},
		"/admin/v1/tenants/{id}/versions":                                  {"GET": s.tenantHistory},
		"/admin/v1/tenants/{id}/versions/{version}":                        {"GET": s.tenantVersion},
		"/admin/v1/tenants/{id}/rollback":                                  {"POST": s.rollbackTenant},
		"/admin/v1/tenants/{id}/restore":                                   {"POST": s.restoreTenant},
		"/admin/v1/tenants/{id}/export":                                    {"GET": s.exportTenant},
		"/admin/v1/tenants/{id}/import":                                    {"POST": s.importTenant},
		"/admin/v1/tenants/{id}/erase":                                     {"POST": s.eraseTenant},
		"/admin/v1/tenants/{id}/purge":                                     {"POST": s.purgeTenant},
		"/admin/v1/tenants/{id}/conversations/{conversation}/turns/{turn}": {"GET": s.showTurn},

		"/admin/v1/reload":     {"POST": s.reload},
		"/admin/v1/cache":      {"GET": s.listCache, "DELETE": s.clearCache},
		"/admin/v1/cache/{id}": {"GET": s.getCached, "DELETE": s.evict},
		"/admin/v1/plugins":    {"GET": s.listPlugins},

		"/healthz": {"GET": s.healthz},
		"/readyz":  {"GET": s.readyz},
	}
}

// mux serves the routes, each for those who may come there.
func (s *Server) mux(routes map[string]map[string]handler) http.Handler {
	m := http.NewServeMux()
	for path, methods := range routes {
		var allowed []string
		for method, h := range methods {
			m.Handle(method+" "+path, answering(s.admit(path, h)))
			allowed = append(allowed, method)
			if method == "GET" {
				allowed = append(allowed, "HEAD")
			}
		}
		slices.Sort(allowed)
		allow := strings.Join(allowed, ", ")
		// The mux's own 405 and 404 are plain text.
		m.Handle(path, answering(s.admit(path, func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Allow", allow)
			return withStatus(http.StatusMethodNotAllowed, fault.New(fault.Invalid, "%s is not a method of %s; expected %s", clip(r.Method), clip(r.URL.Path), allow))
		})))
	}
	m.Handle("/", answering(s.admit("/", func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.NotFound, "there is nothing at %s", clip(r.URL.Path))
	})))
	return m
}

func answering(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeError(w, r, err)
		}
	})
}

package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// handler handles one request. If it returns an error, it has written nothing.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one method of one path. A request with a query parameter or a body that the route does
// not list is refused before the handler runs.
type route struct {
	handle handler
	query  []string  // the names of the query parameters
	body   bool      // whether the route accepts a body
	slots  slotClass // the class of slots of the route's requests
	// action is the name of the change in the audit log. It is empty for a route that changes
	// nothing, and for the routes of a tenant's users.
	action string
}

// routes returns the table of all routes by path and method. Each route also has a row in
// docs/api.md. The handler of GET also serves HEAD.
func (s *Server) routes() map[string]map[string]route {
	page := []string{"limit", "after"}
	ofUser := []string{"limit", "after", "user_id"}
	return map[string]map[string]route{
		"/api/v1/chat": {
			"POST": {handle: s.chat, slots: turnSlots, body: true},
		},
		"/v1/chat": { // alias of /api/v1/chat until version 1.0
			"POST": {handle: s.chat, slots: turnSlots, body: true},
		},
		"/api/v1/conversations": {
			"GET": {handle: s.listConversations, slots: readSlots, query: ofUser},
		},
		"/api/v1/conversations/{id}": {
			"GET":    {handle: s.readConversation, slots: readSlots, query: ofUser},
			"DELETE": {handle: s.deleteConversation, slots: deletionSlots, query: []string{"user_id"}},
		},
		"/api/v1/conversations/{id}/branches": {
			"POST": {handle: s.branchConversation, slots: branchSlots, body: true},
		},
		"/api/v1/conversations/{id}/turns": {
			"GET": {handle: s.readTurns, slots: readSlots, query: append(slices.Clone(ofUser), "all")},
		},

		"/admin/v1/tenants": {
			"GET": {handle: s.listTenants, slots: adminReadSlots, query: page},
		},
		"/admin/v1/tenants/{id}": {
			"GET":    {handle: s.getTenant, slots: adminReadSlots, query: []string{"as"}},
			"PUT":    {handle: s.putTenant, slots: adminWriteSlots, query: []string{"dry_run", "as"}, body: true, action: "put tenant"},
			"PATCH":  {handle: s.patchTenant, slots: adminWriteSlots, query: []string{"dry_run", "as"}, body: true, action: "patch tenant"},
			"DELETE": {handle: s.deleteTenant, slots: adminWriteSlots, query: []string{"as"}, action: "remove tenant"},
		},
		"/admin/v1/tenants/{id}/config": {
			"GET": {handle: s.explainTenant, slots: adminReadSlots, query: []string{"as"}},
		},
		"/admin/v1/tenants/{id}/check": {
			"POST": {handle: s.checkInstances, slots: checkSlots, query: []string{"as"}, action: "check tenant"},
		},
		"/admin/v1/tenants/{id}/versions": {
			"GET": {handle: s.listTenantVersions, slots: adminReadSlots, query: []string{"limit", "before"}},
		},
		"/admin/v1/tenants/{id}/versions/{version}": {
			"GET": {handle: s.getTenantVersion, slots: adminReadSlots},
		},
		"/admin/v1/tenants/{id}/rollback": {
			"POST": {handle: s.rollbackTenant, slots: adminWriteSlots, query: []string{"as"}, body: true, action: "roll back tenant"},
		},
		"/admin/v1/tenants/{id}/restore": {
			"POST": {handle: s.restoreTenant, slots: adminWriteSlots, action: "restore tenant"},
		},
		"/admin/v1/tenants/{id}/export": {
			"GET": {handle: s.exportTenant, slots: exportSlots, query: []string{"user", "current"}},
		},
		"/admin/v1/tenants/{id}/import": {
			"POST": {handle: s.importTenant, slots: importSlots, query: []string{"register"}, body: true, action: "import tenant"},
		},
		"/admin/v1/tenants/{id}/erase": {
			"POST": {handle: s.eraseTenant, slots: sweepSlots, body: true, action: "erase"},
		},
		"/admin/v1/tenants/{id}/purge": {
			"POST": {handle: s.purgeTenant, slots: sweepSlots, body: true, action: "purge tenant"},
		},
		"/admin/v1/tenants/{id}/conversations/{conversation}/turns/{turn}": {
			"GET": {handle: s.inspectTurn, slots: adminReadSlots, query: []string{"by", "compose"}},
		},

		"/admin/v1/reload": {
			"POST": {handle: s.reload, slots: adminWriteSlots, query: []string{"dry_run", "confirm_removed"}, action: "reload"},
		},
		"/admin/v1/cache": {
			"GET":    {handle: s.listCache, slots: adminReadSlots},
			"DELETE": {handle: s.clearCache, slots: adminWriteSlots, action: "clear cache"},
		},
		"/admin/v1/cache/{id}": {
			"GET":    {handle: s.getCachedBot, slots: adminReadSlots},
			"DELETE": {handle: s.evictCachedBot, slots: adminWriteSlots, action: "evict bot"},
		},
		"/admin/v1/plugins": {
			"GET": {handle: s.listPlugins, slots: adminReadSlots},
		},

		"/metrics": {
			"GET": {handle: s.showMetrics, slots: scrapeSlots},
		},
		"/healthz": {
			"GET": {handle: s.healthz, slots: probeSlots},
		},
		"/readyz": {
			"GET": {handle: s.readyz, slots: probeSlots},
		},
	}
}

// chatRoute is the path of chats. chatAlias is an earlier path of chats, which the host serves
// until version 1.0.
const (
	chatRoute = "/api/v1/chat"
	chatAlias = "/v1/chat"
)

// movedTo returns the current path of a route that had the path before, or "" if no route had the
// path.
func movedTo(path string) string {
	const before = "/v1/conversations"
	if path == before || strings.HasPrefix(path, before+"/") {
		return "/api" + path
	}
	return ""
}

// newRouter returns a router of the routes. Each request passes these steps in order: the check of
// its token (authorize), the count of running requests (inFlight), the action for the audit log
// (audited), the check of its parameters and headers (validated), the wait for a slot (limited),
// and the handler.
func (s *Server) newRouter(routes map[string]map[string]route) http.Handler {
	m := &router{}
	for path, methods := range routes {
		var allowed []string
		handlers := map[string]http.Handler{}
		for method, ro := range methods {
			handlers[method] = toHandler(s.authorize(path, s.inFlight(path, ro.audited(
				ro.validated(path, s.limited(path, ro.slots, ro.handle))))))
			allowed = append(allowed, method)
			if method == "GET" {
				allowed = append(allowed, "HEAD")
			}
		}
		slices.Sort(allowed)
		allow := strings.Join(allowed, ", ")
		m.add(path, handlers, toHandler(s.authorize(path, func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Allow", allow)
			return withStatus(http.StatusMethodNotAllowed, fault.New(fault.Invalid, "%s is not a method of %s; expected %s", clip(r.Method), clip(r.URL.Path), allow))
		})))
	}
	m.notFound = toHandler(s.authorize("/", func(_ http.ResponseWriter, r *http.Request) error {
		if moved := movedTo(r.URL.Path); moved != "" {
			return fault.New(fault.NotFound, "there is nothing at %s any more; its path is %s", clip(r.URL.Path), clip(moved))
		}
		return fault.New(fault.NotFound, "there is nothing at %s", clip(r.URL.Path))
	}))
	m.unclean = toHandler(s.authorize("/", func(_ http.ResponseWriter, r *http.Request) error {
		return malformedAt(nil, "the path %s has a part that is empty or made of dots; expected every part to be given, and dots that are a name as %%2e", clip(r.URL.EscapedPath()))
	}))
	return m
}

// toHandler returns an http.Handler that calls h and writes the error of h as a problem.
func toHandler(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeError(w, r, preferCancelCause(r, err))
		}
	})
}

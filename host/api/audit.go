package api

import (
	"net/http"

	"github.com/hashicorp/go-hclog"
)

// The audit log has one line at level info for each operator request that changes something,
// whether the request succeeded or was refused. The line names the caller, the action, the tenant
// and the result. The table of routes defines the names of the actions.

// addAuditDetails adds pairs of names and values to the audit line of the request. Callers must not
// pass contents of conversations, contents of configurations, or secrets.
func addAuditDetails(w http.ResponseWriter, pairs ...any) {
	if x, ok := w.(*exchange); ok {
		x.auditDetails = append(x.auditDetails, pairs...)
	}
}

// skipAudit removes the audit line of a request that changes nothing, for example of a dry run.
func skipAudit(w http.ResponseWriter) {
	if x, ok := w.(*exchange); ok {
		x.action = ""
	}
}

// auditVersionBefore adds the tenant's current revision and version to the audit line. Handlers
// call auditVersionBefore before they change the tenant.
func (s *Server) auditVersionBefore(w http.ResponseWriter, r *http.Request, id string) {
	if t, err := s.host.Registry().Get(r.Context(), id); err == nil {
		addAuditDetails(w, "was_revision", t.Revision, "was_version", t.Version)
	}
}

// audited returns a handler that sets the route's action for the audit line and then calls h.
func (ro route) audited(h handler) handler {
	if ro.action == "" {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if x, ok := w.(*exchange); ok {
			x.action = ro.action
		}
		return h(w, r)
	}
}

// writeAudit writes the audit line if the request has an action.
func (s *Server) writeAudit(x *exchange, r *http.Request, log hclog.Logger) {
	if x.action == "" {
		return
	}
	who := "admin token"
	if s.tokens == nil {
		who = "anybody" // without tokens, because auth.mode is "none"
	}
	args := []any{"action", x.action, "tenant", tenantOf(r), "by", who, "from", r.RemoteAddr, "request_id", requestID(r)}
	args = append(args, x.auditDetails...)
	if revision := x.Header().Get("ETag"); revision != "" {
		args = append(args, "revision", revision)
	}
	if x.err != nil {
		log.Info("admin action refused", append(args, "status", x.status, "class", NewProblem(x.err).Class)...)
		return
	}
	log.Info("admin action", args...)
}

// tenantOf returns the tenant that the request names in its path or header, or "". The text is cut
// to a length that is suitable for a log, and may be an invalid tenant id.
func tenantOf(r *http.Request) string {
	if id := r.PathValue("id"); id != "" && requiredCaller(routeOf(r)) == adminCaller {
		return clip(id)
	}
	return clip(r.Header.Get(tenantHeader))
}

package api

import (
	"net/http"

	"github.com/hashicorp/go-hclog"
)

// The audit log has one line at info for each request of an operator that changes
// something, whether it was done or refused: who asked, which action, of which tenant,
// and the result. The table of routes names the actions.

// addAuditDetails adds pairs of names and values to the request's audit line. Callers
// must not pass content of conversations, configurations or secrets.
func addAuditDetails(w http.ResponseWriter, pairs ...any) {
	if x, ok := w.(*exchange); ok {
		x.auditDetails = append(x.auditDetails, pairs...)
	}
}

// skipAudit removes the request's audit line: it turned out to change nothing, for
// example because it is a dry run.
func skipAudit(w http.ResponseWriter) {
	if x, ok := w.(*exchange); ok {
		x.action = ""
	}
}

// auditVersionBefore adds the tenant's revision and version, as they are before the
// change, to the audit line.
func (s *Server) auditVersionBefore(w http.ResponseWriter, r *http.Request, id string) {
	if t, err := s.host.Registry().Get(r.Context(), id); err == nil {
		addAuditDetails(w, "was_revision", t.Revision, "was_version", t.Version)
	}
}

// audited returns h, with the route's action set for the audit line.
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

// writeAudit writes the audit line, if the request has an action.
func (s *Server) writeAudit(x *exchange, r *http.Request, log hclog.Logger) {
	if x.action == "" {
		return
	}
	who := "admin token"
	if s.tokens == nil {
		who = "anybody" // auth.mode is none
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

// tenantOf returns the tenant that the request names in its path or header, or "". The
// text is cut to a length that a log can take, and not checked to be an id.
func tenantOf(r *http.Request) string {
	if id := r.PathValue("id"); id != "" && requiredCaller(routeOf(r)) == adminCaller {
		return clip(id)
	}
	return clip(r.Header.Get(tenantHeader))
}

package api

import (
	"net/http"

	"github.com/hashicorp/go-hclog"
)

// An act is what a request of an operator changes. Each is logged at info, whether it
// was done or refused: who asked, what, of which tenant, and what came of it. A route that
// changes something has the name of its act; a request that changes nothing after all,
// such as a dry run, takes it back.

// noteAct keeps for the log what came of an act: pairs of names and values. What is
// given here never is content, a configuration or a secret.
func noteAct(w http.ResponseWriter, pairs ...any) {
	if x, ok := w.(*exchange); ok {
		x.details = append(x.details, pairs...)
	}
}

// noAct says that the request changes nothing.
func noAct(w http.ResponseWriter) {
	if x, ok := w.(*exchange); ok {
		x.act = ""
	}
}

// noteVersion keeps for the log at which revision, and version if it has one, the tenant
// is.
func (s *Server) noteVersion(w http.ResponseWriter, r *http.Request, id string) {
	if t, _, _, err := s.host.Registry().Get(r.Context(), id); err == nil {
		noteAct(w, "was_revision", t.Revision, "was_version", t.Version)
	}
}

// acting has the log know the act of the route.
func (ro route) acting(h handler) handler {
	if ro.act == "" {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if x, ok := w.(*exchange); ok {
			x.act = ro.act
		}
		return h(w, r)
	}
}

// logAct logs the act of the request, if it is one.
func (s *Server) logAct(x *exchange, r *http.Request, log hclog.Logger) {
	if x.act == "" {
		return
	}
	who := "admin token"
	if s.keys == nil {
		who = "anybody" // auth.mode is none
	}
	args := []any{"act", x.act, "tenant", tenantOf(r), "by", who, "from", r.RemoteAddr, "request_id", requestID(r)}
	args = append(args, x.details...)
	if revision := x.Header().Get("ETag"); revision != "" {
		args = append(args, "revision", revision)
	}
	if x.err != nil {
		log.Info("admin act refused", append(args, "status", x.status, "class", NewProblem(x.err).Class)...)
		return
	}
	log.Info("admin act", args...)
}

// tenantOf is the tenant that the request names, in its path or its header; empty for
// none. Nothing has checked that it is one.
func tenantOf(r *http.Request) string {
	if id := r.PathValue("id"); id != "" && accessOf(routeOf(r)) == forAdmins {
		return clip(id)
	}
	return clip(r.Header.Get(tenantHeader))
}

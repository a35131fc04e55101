package api

import "net/http"

// healthz responds with 200 as long as the process serves requests.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz responds with 200, or with 503 while the host stops. It ignores the tenants' upstreams,
// because a failed upstream of one tenant must not make the host unavailable to others.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if s.withdrawn.Load() {
		return errStopping()
	}
	return writeJSON(w, r, http.StatusOK, map[string]string{"status": "ready"})
}

package api

import "net/http"

// healthz answers 200 as long as the process serves requests.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz answers 200 if this host should get requests, and 503 while it stops. It does not
// check the tenants' backends: one that is down must not take the host from the others.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if s.withdrawn.Load() {
		return errStopping()
	}
	return writeJSON(w, r, http.StatusOK, map[string]string{"status": "ready"})
}

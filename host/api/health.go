package api

import "net/http"

// healthz says that the process serves.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether to send turns here. No tenant's backend has a say: one that
// is down must not take the others with it.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if s.withdrawn.Load() {
		return errStopping()
	}
	return writeJSON(w, r, http.StatusOK, map[string]string{"status": "ready"})
}

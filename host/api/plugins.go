package api

import (
	"net/http"

	"github.com/botyard/botyard/host/plugins"
)

// Plugins is the response body of GET /admin/v1/plugins: each process of a plugin, and each
// installed plugin without a process.
type Plugins struct {
	Plugins []plugins.Status `json:"plugins"`
}

func (s *Server) listPlugins(w http.ResponseWriter, r *http.Request) error {
	out := Plugins{Plugins: s.host.Plugins().Status()}
	if out.Plugins == nil {
		out.Plugins = []plugins.Status{}
	}
	return writeJSON(w, r, http.StatusOK, out)
}

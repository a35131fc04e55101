package api

import (
	"net/http"

	"github.com/botyard/botyard/host/plugins"
)

// Plugins answers GET /admin/v1/plugins: each process of a plugin, and the plugins that
// were found and have no process.
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

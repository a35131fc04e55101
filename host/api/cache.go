package api

import (
	"net/http"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// CachedBot is a bot in the bot cache.
type CachedBot struct {
	Tenant    string  `json:"tenant"`
	Revision  string  `json:"revision"`
	ExpiresAt *string `json:"expires_at"`
	Turns     int     `json:"turns"` // turns that run now
}

// Cache is the response body of GET /admin/v1/cache. The least recently used bot comes first.
type Cache struct {
	Cached []CachedBot `json:"cached"`
}

func newCachedBot(c registry.CachedBot) CachedBot {
	return CachedBot{Tenant: c.Tenant, Revision: c.Revision, ExpiresAt: timestamp(c.ExpiresAt), Turns: c.Turns}
}

func (s *Server) listCache(w http.ResponseWriter, r *http.Request) error {
	out := Cache{Cached: []CachedBot{}}
	for _, c := range s.host.Registry().CachedBots() {
		out.Cached = append(out.Cached, newCachedBot(c))
	}
	return writeJSON(w, r, http.StatusOK, out)
}

func (s *Server) getCachedBot(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	for _, c := range s.host.Registry().CachedBots() {
		if c.Tenant == id {
			return writeJSON(w, r, http.StatusOK, newCachedBot(c))
		}
	}
	return errNotCached(id)
}

// evictCachedBot removes a bot from the bot cache. Running turns of the bot continue to their end.
func (s *Server) evictCachedBot(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	if !s.host.Registry().EvictBot(id) {
		return errNotCached(id)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) clearCache(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, map[string]int{"removed": s.host.Registry().ClearCache()})
}

// errNotCached returns the error for a tenant without a bot in the bot cache.
func errNotCached(id string) error {
	return fault.New(fault.NotFound, "no bot of tenant %q is cached", id)
}

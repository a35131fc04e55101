package api

import (
	"net/http"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// CachedBot is a bot that is ready.
type CachedBot struct {
	Tenant    string  `json:"tenant"`
	Revision  string  `json:"revision"`
	ExpiresAt *string `json:"expires_at"`
	Turns     int     `json:"turns"` // at work
}

// Cache answers GET /admin/v1/cache, least recently used first.
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

func (s *Server) getCached(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	for _, c := range s.host.Registry().CachedBots() {
		if c.Tenant == id {
			return writeJSON(w, r, http.StatusOK, newCachedBot(c))
		}
	}
	return notCached(id)
}

func (s *Server) evict(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	if !s.host.Registry().EvictBot(id) {
		return notCached(id)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) clearCache(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, map[string]int{"removed": s.host.Registry().ClearCache()})
}

func notCached(id string) error {
	return fault.New(fault.NotFound, "no bot of tenant %q is cached", id)
}

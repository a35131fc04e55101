package api

import (
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// tenantHeader names the tenant whose bot a request is for. Whoever may use the routes
// below /api/v1 is believed what it says.
const tenantHeader = "X-Tenant-ID"

// acquireBot returns the bot of the request's tenant. The caller must release it.
func (s *Server) acquireBot(r *http.Request) (*registry.Lease, error) {
	id := r.Header.Get(tenantHeader)
	if id == "" {
		return nil, malformed(tenantHeader, "is missing; expected the tenant's id")
	}
	if err := checkTenantID(tenantHeader, id); err != nil {
		return nil, err
	}
	lease, err := s.host.Registry().Acquire(r.Context(), id)
	if e := fault.Of(err); e != nil && e.Class == fault.NotFound && e.Path == "" {
		named := *e // the path tells it from a conversation that is not found
		return nil, named.At(tenantHeader)
	}
	return lease, err
}

// checkTenantID returns an error at the field unless id is a valid tenant id.
func checkTenantID(field, id string) error {
	if err := config.ValidTenantID(id); err != nil {
		return malformed(field, "%w", err)
	}
	return nil
}

package api

import (
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// tenantHeader is the header with the id of the tenant whose bot a request is for. The host trusts
// the header of each caller that may use the routes below /api/v1.
const tenantHeader = "X-Tenant-ID"

// acquireBot returns the bot of the request's tenant. The caller must release the lease.
func (s *Server) acquireBot(r *http.Request) (*registry.Lease, error) {
	id := r.Header.Get(tenantHeader)
	if id == "" {
		return nil, malformed(tenantHeader, "is missing; expected the tenant's id")
	}
	if err := checkTenantID(tenantHeader, id); err != nil {
		return nil, err
	}
	lease, err := s.host.Registry().Acquire(r.Context(), id)
	if e := fault.Of(err); e != nil && e.Class == fault.NotFound && len(e.Path) == 0 {
		// the header in the path of the error tells a missing tenant from a missing conversation
		named := *e
		return nil, named.At(tenantHeader)
	}
	return lease, err
}

// checkTenantID returns an error that names the field if id is not a valid tenant id.
func checkTenantID(field, id string) error {
	if err := config.ValidTenantID(id); err != nil {
		return malformed(field, "%w", err)
	}
	return nil
}

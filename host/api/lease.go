package api

import (
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// tenantHeader says whose bot is meant. Whoever may come to /api/v1 is believed it.
const tenantHeader = "X-Tenant-ID"

// lease gives the bot of the request's tenant. The caller releases it.
func (s *Server) lease(r *http.Request) (*registry.Lease, error) {
	id := r.Header.Get(tenantHeader)
	if id == "" {
		return nil, malformed(tenantHeader, "is missing; expected the tenant's id")
	}
	if err := checkTenantID(tenantHeader, id); err != nil {
		return nil, err
	}
	lease, err := s.host.Registry().Acquire(r.Context(), id)
	if e := fault.Of(err); e != nil && e.Class == fault.NotFound && e.Path == "" {
		named := *e // the caller has to tell this from an unknown conversation
		return nil, named.At(tenantHeader)
	}
	return lease, err
}

func checkTenantID(field, id string) error {
	if err := config.ValidTenantID(id); err != nil {
		return malformed(field, "%w", err)
	}
	return nil
}

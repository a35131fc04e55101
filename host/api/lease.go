package api

import (
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// tenantHeader says whose bot is meant. Whoever may come to /v1 is believed it.
const tenantHeader = "X-Tenant-ID"

// lease gives the bot of the request's tenant. The caller releases it.
func (s *Server) lease(r *http.Request) (*registry.Lease, error) {
	ids := r.Header.Values(tenantHeader)
	switch {
	case len(ids) == 0 || len(ids) == 1 && ids[0] == "":
		return nil, malformed(tenantHeader, "is missing; expected the tenant's id")
	case len(ids) > 1:
		return nil, malformed(tenantHeader, "is given %d times", len(ids))
	}
	if err := checkTenantID(tenantHeader, ids[0]); err != nil {
		return nil, err
	}
	lease, err := s.host.Registry().Acquire(r.Context(), ids[0])
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

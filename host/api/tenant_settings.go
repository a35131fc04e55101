package api

import (
	"context"
	"net/http"
	"runtime"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantstore"
)

// newSettingsRequests returns the limit on concurrent requests that read or change settings of
// tenants. The limit bounds how many documents are in memory at once.
func newSettingsRequests() *fairshare.Cap {
	return fairshare.NewCap("requests about its settings", bounds.SettingsUnderWay, bounds.SettingsUnderWayEach)
}

// acquireSettings returns the tenant id in the path of a request, and counts the request as one
// about the tenant's settings until leave is called. The error is fault.Invalid for a malformed
// id, or the error of the limit that newSettingsRequests returns.
func (s *Server) acquireSettings(r *http.Request) (id string, leave func(), err error) {
	id = r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return "", nil, err
	}
	leave, err = s.settings.Acquire(id)
	return id, leave, err
}

// newOwnSettingsSlots returns the slots that requests of tenants for their own settings need in
// addition to those of the registry.
func newOwnSettingsSlots() *fairshare.Slots {
	return fairshare.NewSlots(max(1, runtime.GOMAXPROCS(0)/bounds.JudgedForTenantsParts), bounds.JudgedAtOnceEach)
}

// authorOf returns the parameter "as" of a request about the tenant's settings, and the request as that
// author may make it. Every handler of a route with "as" calls authorOf, and goes on with the request
// that it returns. A request with as=tenant needs a slot of newOwnSettingsSlots too. It gets an error if
// reading and checking the tenant's settings has already taken more time than one tenant may use.
// authorOf adds the author to the audit line.
func (s *Server) authorOf(w http.ResponseWriter, r *http.Request, tenant string) (registry.Author, *http.Request, error) {
	as, err := queryOf(r).author()
	if err != nil {
		return "", nil, err
	}
	addAuditDetails(w, "as", as)
	if as != tenantstore.Tenant {
		return as, r, nil
	}
	if err := s.host.Registry().Slots().Pace().Check(tenant); err != nil {
		return "", nil, err
	}
	return as, r.WithContext(fairshare.Within(r.Context(), s.ownSettings)), nil
}

// parseSettings parses a configuration document in a slot of the tenant, because parsing a large
// document takes much processor time. If the document is invalid, the error is a config.Problems.
func (s *Server) parseSettings(r *http.Request, tenant string, body []byte) (doc *config.Document, err error) {
	err = s.host.Registry().Slots().Do(r.Context(), tenant, func(context.Context) error {
		doc, err = config.ParseJSON(bodyName, body)
		return err
	})
	return doc, err
}

// writeSettings responds with the result of show. It calls show and encodes the result in a slot of
// the tenant. It releases the slot before it writes the response, because the client may read
// slowly.
func (s *Server) writeSettings(w http.ResponseWriter, r *http.Request, tenant string, status int, show func() any) error {
	var body []byte
	err := s.host.Registry().Slots().Do(r.Context(), tenant, func(context.Context) (err error) {
		body, err = encodeJSON(show())
		return err
	})
	if err != nil {
		return err
	}
	return writeEncodedJSON(w, r, status, body)
}

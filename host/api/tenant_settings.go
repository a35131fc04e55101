package api

import (
	"context"
	"net/http"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantstore"
)

// newSettingsRequests returns the limit of requests that read or change the settings of
// tenants. It bounds how many documents are in memory at once.
func newSettingsRequests() *fairshare.Cap {
	return fairshare.NewCap("requests about its settings", bounds.SettingsUnderWay, bounds.SettingsUnderWayEach)
}

// checkPace refuses a request with as=tenant if the tenant's settings have taken more time
// to read and check than one tenant may use.
func (s *Server) checkPace(as registry.Author, tenant string) error {
	if as != tenantstore.Tenant {
		return nil
	}
	return s.host.Registry().Slots().Pace().Check(tenant)
}

// parseSettings parses a configuration document. It waits for a slot of the tenant, since
// a large document is costly. The error is a config.Problems if the document is wrong.
func (s *Server) parseSettings(r *http.Request, tenant string, body []byte) (doc *config.Document, err error) {
	err = s.host.Registry().Slots().Do(r.Context(), tenant, func(context.Context) error {
		doc, err = config.ParseJSON(bodyName, body)
		return err
	})
	return doc, err
}

// writeSettings answers with the value that show returns. It calls show and encodes the
// value while it has a slot of the tenant, and writes the answer after it has released
// the slot, because the reader may be slow.
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

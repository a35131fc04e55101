package api

import (
	"context"
	"net/http"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/host/tenantstore"
)

// newSettingsRoom bounds the requests that write or show the settings of tenants.
func newSettingsRoom() *slots.Room {
	return slots.NewRoom("requests about its settings", bounds.SettingsUnderWay, bounds.SettingsUnderWayEach)
}

// checkPace refuses a request of the tenant for its own settings whose settings have taken
// more time to judge than one tenant has.
func (s *Server) checkPace(as registry.Author, tenant string) error {
	if as != tenantstore.Tenant {
		return nil
	}
	return s.host.Registry().Slots().Pace().Check(tenant)
}

// parseSettings reads a body when the tenant has its turn. Errors of the document are
// config.Problems.
func (s *Server) parseSettings(r *http.Request, tenant string, body []byte) (doc *config.Document, err error) {
	err = s.host.Registry().Slots().Do(r.Context(), tenant, func(context.Context) error {
		doc, err = config.ParseJSON(bodyName, body)
		return err
	})
	return doc, err
}

// writeSettings answers with what show makes of a tenant's settings when the tenant has
// its turn. The answer is written without it: its reader may be slow.
func (s *Server) writeSettings(w http.ResponseWriter, r *http.Request, tenant string, status int, show func() any) error {
	var body []byte
	err := s.host.Registry().Slots().Do(r.Context(), tenant, func(context.Context) (err error) {
		body, err = encode(show())
		return err
	})
	if err != nil {
		return err
	}
	return writeEncoded(w, r, status, body)
}

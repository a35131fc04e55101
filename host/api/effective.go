package api

import (
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// Effective is what a tenant's bot is made of, key by key.
type Effective struct {
	Tenant   string  `json:"tenant"`
	Revision string  `json:"revision"`
	Config   []Entry `json:"config"`
	// Own is the tenant's own layer, without what is in it; nil if it has none. One that is
	// held is no part of Config.
	Own *OwnSettings `json:"own,omitempty"`
}

// Entry is one effective key and where it was set.
type Entry struct {
	Path   string `json:"path"`
	Value  any    `json:"value"` // "<secret>" for a secret
	Layer  string `json:"layer"`
	File   string `json:"file"` // or what stands for it: a variable, "body", "registry"
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Secret bool   `json:"secret,omitempty"`
	// PerHost says that each host counts for itself.
	PerHost bool `json:"per_host,omitempty"`
	// Fell says why an inherited secret is not effective; value is null then.
	Fell string `json:"fell,omitempty"`
	// TenantMay is what the tenant itself may do with the key in its own settings: "set",
	// "lower" or "no". Rule says why it may not, and Allow which line of the host file would
	// let it.
	TenantMay string `json:"tenant_may"`
	Rule      string `json:"rule,omitempty"`
	Allow     string `json:"allow,omitempty"`
}

// NewEffective shows an effective configuration.
func NewEffective(e *config.Effective) Effective {
	out := Effective{Tenant: e.Tenant, Revision: e.Revision, Config: []Entry{}}
	for _, entry := range e.Explain() {
		out.Config = append(out.Config, Entry{
			Path: entry.Path.String(), Value: entry.Value, Layer: entry.Layer,
			File: entry.Pos.File, Line: entry.Pos.Line, Column: entry.Pos.Column, Secret: entry.Secret, PerHost: entry.PerHost, Fell: entry.Fell,
			TenantMay: entry.May, Rule: entry.Rule, Allow: entry.Allow,
		})
	}
	return out
}

func (s *Server) explainTenant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	leave, err := s.settings.Enter(id)
	if err != nil {
		return err
	}
	defer leave()
	t, _, effective, err := s.host.Registry().Get(r.Context(), id)
	if err != nil {
		return err
	}
	if effective == nil {
		return fault.New(fault.Invalid, "tenant %q has no valid configuration: %w", id, t.Err).By(fault.PartyTenant)
	}
	return s.writeSettings(w, r, id, http.StatusOK, func() any {
		out := NewEffective(effective)
		out.Own = newTenant(t).Own
		return out
	})
}

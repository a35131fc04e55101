package api

import (
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// Effective is the effective configuration of a tenant, key by key.
type Effective struct {
	Tenant   string  `json:"tenant"`
	Revision string  `json:"revision"`
	Config   []Entry `json:"config"`
	// Own says whether the tenant's own layer is held, without its content; nil if it has
	// none. The keys of a held layer are not in Config.
	Own *OwnSettings `json:"own,omitempty"`
}

// Entry is one effective key with its provenance.
type Entry struct {
	Path   string `json:"path"`
	Value  any    `json:"value"` // "<secret>" for a secret
	Layer  string `json:"layer"`
	File   string `json:"file"` // or what stands for a file: a variable, "body", "registry"
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Secret bool   `json:"secret,omitempty"`
	// PerHost says that the limit is counted by each host for itself.
	PerHost bool `json:"per_host,omitempty"`
	// Dropped says why an inherited secret is not effective. Value is null then.
	Dropped string `json:"dropped,omitempty"`
	// TenantMay says what the tenant may do with the key in its own settings: "set", "lower"
	// or "no". Rule says why it may not, and Allow which line of the host file would allow it.
	TenantMay string `json:"tenant_may"`
	Rule      string `json:"rule,omitempty"`
	Allow     string `json:"allow,omitempty"`
}

// NewEffective returns an effective configuration as JSON has it, with secrets redacted.
func NewEffective(e *config.Effective) Effective {
	out := Effective{Tenant: e.Tenant, Revision: e.Revision, Config: []Entry{}}
	for _, entry := range e.Explain() {
		out.Config = append(out.Config, Entry{
			Path: entry.Path.String(), Value: entry.Value, Layer: entry.Layer,
			File: entry.Pos.File, Line: entry.Pos.Line, Column: entry.Pos.Column, Secret: entry.Secret, PerHost: entry.PerHost, Dropped: entry.Dropped,
			TenantMay: entry.May, Rule: entry.Rule, Allow: entry.Allow,
		})
	}
	return out
}

// explainTenant answers with every effective key of a tenant.
func (s *Server) explainTenant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	leave, err := s.settings.Acquire(id)
	if err != nil {
		return err
	}
	defer leave()
	t, err := s.host.Registry().Get(r.Context(), id)
	if err != nil {
		return err
	}
	if t.Effective == nil {
		return fault.New(fault.Invalid, "tenant %q has no valid configuration: %w", id, t.Err).By(fault.PartyTenant)
	}
	return s.writeSettings(w, r, id, http.StatusOK, func() any {
		out := NewEffective(t.Effective)
		out.Own = newTenant(t).Own
		return out
	})
}

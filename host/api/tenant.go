package api

import (
	"net/http"

	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// Tenant is a registered tenant. Its ETag is its revision. The ETag of a tenant with own settings
// is longer, and changes with each of the two documents.
type Tenant struct {
	ID        string  `json:"id"`
	Source    string  `json:"source"`            // "api", or the tenant's file; with as=tenant "file" for a file
	Revision  string  `json:"revision"`          // the revision of the served configuration; empty if the tenant is not served
	Version   int64   `json:"version,omitempty"` // the newest version; 0 if the host has no history
	State     string  `json:"state"`             // "active" or "removed"; a removed tenant is not served, and its id is reserved
	UpdatedAt *string `json:"updated_at"`
	Created   bool    `json:"created,omitempty"` // whether this PUT has created the tenant
	// Error says why the newest configuration is not served. Problems lists all problems of that
	// configuration.
	Error    string          `json:"error,omitempty"`
	Problems []ConfigProblem `json:"problems,omitempty"`
	// Unavailable says why turns are refused although the served configuration is valid: a plugin
	// is missing or refuses the configuration. It is the error of the last attempt.
	Unavailable string `json:"unavailable,omitempty"`
	// KeptAway lists the plugins that refuse the tenant's calls for a while, because their
	// processes crashed repeatedly while they worked for this tenant alone.
	KeptAway []plugins.KeptAwayFrom `json:"kept_away,omitempty"`
	// MissingSecret says which secret of the served configuration can no longer be read. A cached
	// bot still uses the old value of the secret, but the host cannot build a new bot.
	MissingSecret string `json:"missing_secret,omitempty"`
	// Config is the operator's configuration of the tenant, or with as=tenant the tenant's own
	// settings, with "<secret>" for each secret. Lists omit it. It is also omitted if the tenant
	// never had a valid configuration, because then the host does not know which values are secret.
	Config map[string]any `json:"config,omitempty"`
	// Own describes the tenant's own settings; nil if the tenant has none.
	Own *OwnSettings `json:"own,omitempty"`
}

// OwnSettings describes a tenant's own settings.
type OwnSettings struct {
	// Held says that the own settings are not effective, because they contradict the operator's
	// configuration or policy. Error and Problems describe the contradiction.
	Held     bool            `json:"held"`
	Error    string          `json:"error,omitempty"`
	Problems []ConfigProblem `json:"problems,omitempty"`
	// Config has the own settings, with "<secret>" for each secret. Lists omit it. With as=tenant,
	// the own settings are in Tenant.Config instead.
	Config map[string]any `json:"config,omitempty"`
}

// Tenants is the response body of GET /admin/v1/tenants: one page, ordered by id. Next is the
// parameter "after" of the next page, or null on the last page.
type Tenants struct {
	Tenants []Tenant `json:"tenants"`
	Next    *string  `json:"next"`
	// IgnoredFiles lists files in tenant folders that look like tenant files but are not read. Only
	// the first page has the list.
	IgnoredFiles []IgnoredFile `json:"ignored_files,omitempty"`
}

// IgnoredFile is a file in a tenant folder that the host does not read as a tenant file.
type IgnoredFile struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// FileFollower is a Host that reads tenant files from folders.
type FileFollower interface {
	IgnoredTenantFiles() []tenantdir.Ignored
}

// newTenant returns the tenant without its documents, as lists show it.
func newTenant(t registry.Tenant) Tenant {
	out := Tenant{ID: t.ID, Source: t.Source, Revision: t.Revision, Version: t.Version, State: "active", Created: t.Created, UpdatedAt: timestamp(t.UpdatedAt)}
	if t.Removed {
		out.State = "removed"
	}
	if t.Err != nil {
		p := NewProblem(t.Err)
		out.Error, out.Problems = t.Err.Error(), p.Problems
	}
	if t.Documents.Own != nil {
		out.Own = &OwnSettings{Held: t.Held != nil}
		if t.Held != nil {
			out.Own.Error, out.Own.Problems = t.Held.Error(), NewProblem(t.Held).Problems
		}
	}
	if t.Missing != nil {
		out.MissingSecret = t.Missing.Error()
	}
	if t.Unavailable != nil {
		out.Unavailable = fault.Of(t.Unavailable).Error()
	}
	return out
}

// author returns the parameter "as", which says whose document the request is about: the operator's
// or the tenant's.
func (q query) author() (registry.Author, error) {
	switch as := q.text("as"); as {
	case "", string(tenantstore.Operator):
		return tenantstore.Operator, nil
	case string(tenantstore.Tenant):
		return tenantstore.Tenant, nil
	default:
		return "", malformed("as", "is %q; expected operator or tenant", clip(as))
	}
}

func (s *Server) listTenants(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	limit, err := q.limit()
	if err != nil {
		return err
	}
	after, err := q.id("after")
	if err != nil {
		return err
	}
	page, more, err := s.host.Registry().List(r.Context(), after, limit)
	if err != nil {
		return err
	}
	out := Tenants{Tenants: []Tenant{}}
	away := s.host.Plugins().KeptAway()
	for _, t := range page {
		one := newTenant(t)
		one.KeptAway = away[t.ID]
		out.Tenants = append(out.Tenants, one)
	}
	if more {
		out.Next = &page[len(page)-1].ID
	}
	if h, ok := s.host.(FileFollower); ok && !q.values.Has("after") {
		for _, i := range h.IgnoredTenantFiles() {
			out.IgnoredFiles = append(out.IgnoredFiles, IgnoredFile{i.Path, i.Reason})
		}
	}
	return writeJSON(w, r, http.StatusOK, out)
}

func (s *Server) getTenant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	as, r, err := s.authorOf(w, r, id)
	if err != nil {
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
	setETag(w, t.Tag)
	if as == tenantstore.Tenant && t.Documents.Own == nil {
		return fault.New(fault.NotFound, "tenant %q has no own settings", id)
	}
	return s.writeSettings(w, r, id, http.StatusOK, func() any {
		out := newTenantWithConfig(t, t.Effective, as)
		out.KeptAway = newKeptAwayFor(as, s.host.Plugins().KeptAway()[id])
		return out
	})
}

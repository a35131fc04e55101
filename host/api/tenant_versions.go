package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/storage"
)

// TenantVersion is one version of a tenant's registration.
type TenantVersion struct {
	Version   int64   `json:"version"`
	State     string  `json:"state"` // "active", "removed", "purged" or "file"
	Note      string  `json:"note,omitempty"`
	Author    string  `json:"author,omitempty"` // "operator" or "tenant"; empty if a host made the change by itself
	CreatedAt *string `json:"created_at"`
	Revision  string  `json:"revision"` // the revision that the settings have under the current host file; empty if the settings are not valid
	Error     string  `json:"error,omitempty"`
	// Config is the operator's configuration of the tenant, with "<secret>" for each secret. Lists
	// omit it.
	Config map[string]any `json:"config,omitempty"`
	// Own describes the tenant's own settings, and says whether they would be held under the
	// current host file.
	Own *OwnSettings `json:"own,omitempty"`
	// Receipt is the receipt of a purge.
	Receipt json.RawMessage `json:"receipt,omitempty"`
}

// TenantVersions is the response body of GET /admin/v1/tenants/{id}/versions: one page, newest
// first. Next is the parameter "before" of the next page, or null on the last page.
type TenantVersions struct {
	Tenant   string          `json:"tenant"`
	Versions []TenantVersion `json:"versions"`
	Next     *int64          `json:"next"`
}

var tenantStates = map[storage.TenantState]string{
	storage.TenantActive: "active", storage.TenantRemoved: "removed",
	storage.TenantPurged: "purged", storage.TenantFromFile: "file",
}

func newTenantVersion(v registry.Version) TenantVersion {
	out := TenantVersion{
		Version: v.Version, State: tenantStates[v.State], Note: v.Note, CreatedAt: timestamp(v.CreatedAt), Receipt: v.Receipt,
		Author: string(v.Author),
	}
	if v.Own != nil {
		out.Own = newTenant(registry.Tenant{Documents: config.Documents{Own: v.Own}, Held: v.Held}).Own
	}
	if v.Effective != nil {
		out.Revision = v.Effective.Revision
	}
	if v.Err != nil {
		out.Error = v.Err.Error()
	}
	return out
}

func (s *Server) listTenantVersions(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	limit, err := q.limit()
	if err != nil {
		return err
	}
	var before int64
	if text := q.text("before"); text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return malformed("before", "is %q; expected a version", clip(text))
		}
	}
	id, leave, err := s.acquireSettings(r)
	if err != nil {
		return err
	}
	defer leave()
	found, more, err := s.host.Registry().History(r.Context(), id, before, limit)
	if err != nil {
		return err
	}
	out := TenantVersions{Tenant: id, Versions: []TenantVersion{}}
	for _, v := range found {
		out.Versions = append(out.Versions, newTenantVersion(v))
	}
	if more {
		out.Next = &found[len(found)-1].Version
	}
	return writeJSON(w, r, http.StatusOK, out)
}

func (s *Server) getTenantVersion(w http.ResponseWriter, r *http.Request) error {
	id, leave, err := s.acquireSettings(r)
	if err != nil {
		return err
	}
	defer leave()
	version, err := strconv.ParseInt(r.PathValue("version"), 10, 64)
	if err != nil {
		return malformed("version", "is %q; expected a number", clip(r.PathValue("version")))
	}
	v, err := s.host.Registry().Version(r.Context(), id, version)
	if err != nil {
		return err
	}
	return s.writeSettings(w, r, id, http.StatusOK, func() any {
		out := newTenantVersion(v)
		if v.Document != nil {
			out.Config = v.Document.ReplaceText(v.Secrets, redact).Values()
		}
		if v.Own != nil {
			out.Own.Config = v.Own.ReplaceText(v.OwnSecrets, redact).Values()
		}
		return out
	})
}

// maxSmallBody is the maximum size in bytes of a body with a few short fields.
const maxSmallBody = 16 << 10

// rollbackTenant restores the settings of an earlier version of a tenant. The body is {"version":
// N}. With as=tenant it restores only the tenant's own settings.
func (s *Server) rollbackTenant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	match, err := ifMatch(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, maxSmallBody)
	if err != nil {
		return err
	}
	var version int64
	if err := decodeObject(body, map[string]any{"version": &version}); err != nil {
		return err
	}
	if version < 1 {
		return malformed("version", "is missing or no version; expected a number of at least 1")
	}
	as, r, err := s.authorOf(w, r, id)
	if err != nil {
		return err
	}
	addAuditDetails(w, "to_version", version)
	leave, err := s.settings.Acquire(id)
	if err != nil {
		return err
	}
	defer leave()
	t, err := s.host.Registry().Rollback(r.Context(), id, version, as, match)
	if err != nil {
		return preconditionError(err)
	}
	addAuditDetails(w, "version", t.Version)
	auditHeld(w, t)
	setETag(w, t.Tag)
	return writeJSON(w, r, http.StatusOK, newTenant(seenBy(as, t)))
}

// restoreTenant serves a removed tenant again.
func (s *Server) restoreTenant(w http.ResponseWriter, r *http.Request) error {
	id, leave, err := s.acquireSettings(r)
	if err != nil {
		return err
	}
	defer leave()
	t, err := s.host.Registry().Restore(r.Context(), id)
	if err != nil {
		return err
	}
	addAuditDetails(w, "version", t.Version)
	auditHeld(w, t)
	setETag(w, t.Tag)
	return writeJSON(w, r, http.StatusOK, newTenant(t))
}

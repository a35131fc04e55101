package api

import (
	"context"
	"net/http"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/sdk/fault"
)

// Reloader is a Host that can reload its files.
type Reloader interface {
	Reload(ctx context.Context, o host.ReloadOptions) (host.Reloaded, error)
}

// Reload is the response body of POST /admin/v1/reload. It describes the changes, or with dry_run
// the changes that a reload would make.
type Reload struct {
	Applied bool `json:"applied"`
	DryRun  bool `json:"dry_run"`
	// Broken is the number of served tenants that the reload would break. If it is not 0, the
	// reload changes nothing.
	Broken  int            `json:"broken"`
	Changes []TenantChange `json:"changes"`
	// Restart lists the keys whose new values take effect at the next start of the host or of a
	// plugin's process.
	Restart []string `json:"restart"`
	Removed []string `json:"removed"` // tenants whose removal this reload confirms, or with dry_run would confirm
	// Warnings lists likely mistakes in the host's files, such as a block for a missing plugin.
	Warnings []ConfigProblem `json:"warnings"`
}

// TenantChange describes how a reload changes one tenant.
type TenantChange struct {
	Tenant   string          `json:"tenant"`
	From     string          `json:"from"` // revision before the reload; empty if the tenant was not served
	To       string          `json:"to"`   // revision after the reload; empty if the tenant is no longer served
	Error    string          `json:"error,omitempty"`
	Problems []ConfigProblem `json:"problems,omitempty"`
	// Own is set if the reload makes the tenant's own settings held.
	Own *OwnSettings `json:"own,omitempty"`
}

// reload reloads the host's files. If a tenant would break, the status is 200, the reload changes
// nothing, and the body names the tenant. Host files that are invalid by themselves get status 422.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	dryRun, err := q.flag("dry_run")
	if err != nil {
		return err
	}
	if dryRun {
		skipAudit(w)
	}
	confirm, err := q.flag("confirm_removed")
	if err != nil {
		return err
	}
	h, ok := s.host.(Reloader)
	if !ok {
		return fault.New(fault.Invalid, "this host has no files to read again")
	}
	done, err := h.Reload(r.Context(), host.ReloadOptions{DryRun: dryRun, ConfirmRemoved: confirm})
	if err != nil {
		return err
	}
	addAuditDetails(w, "applied", done.Applied, "tenants_changed", len(done.Changes))
	out := Reload{Applied: done.Applied, DryRun: dryRun, Broken: done.Broken,
		Changes: []TenantChange{}, Restart: append([]string{}, done.Restart...), Removed: append([]string{}, done.Removed...), Warnings: ConfigProblems(done.Warnings)}
	for _, c := range done.Changes {
		change := TenantChange{Tenant: c.Tenant, From: c.From, To: c.To}
		if c.Err != nil {
			change.Error, change.Problems = c.Err.Error(), NewProblem(c.Err).Problems
		}
		if c.Held != nil {
			change.Own = &OwnSettings{Held: true, Error: c.Held.Error(), Problems: NewProblem(c.Held).Problems}
		}
		out.Changes = append(out.Changes, change)
	}
	return writeJSON(w, r, http.StatusOK, out)
}

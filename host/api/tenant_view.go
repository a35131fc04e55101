package api

import (
	"net/http"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// A request with as=tenant gets only what the tenant itself may see. The functions of this file, and
// instanceChecksForTenant, remove the rest from an answer.

// seenBy returns the description of a tenant as the author may see it.
func seenBy(as registry.Author, t registry.Tenant) registry.Tenant {
	if as == tenantstore.Tenant {
		return t.ForTenant()
	}
	return t
}

// newEffectiveFor returns an effective configuration of the tenant as the author may see it.
func newEffectiveFor(as registry.Author, t registry.Tenant, e *config.Effective) Effective {
	entries := e.Explain()
	if as == tenantstore.Tenant {
		for i := range entries {
			entries[i] = entries[i].ForTenant()
		}
	}
	out := newEffective(e, entries)
	out.Own = newTenant(seenBy(as, t)).Own
	return out
}

// newKeptAwayFor returns the plugins that refuse a tenant's calls as the author may see them. The tenant
// gets a fixed reason, because the one for the operator says how the plugin's process ended.
func newKeptAwayFor(as registry.Author, away []plugins.KeptAwayFrom) []plugins.KeptAwayFrom {
	if as != tenantstore.Tenant {
		return away
	}
	out := make([]plugins.KeptAwayFrom, 0, len(away))
	for _, k := range away {
		k.Reason = "its processes ended again and again while they worked for this tenant alone"
		out = append(out, k)
	}
	return out
}

// isAsTenant reports whether the request is of the admin API and has as=tenant.
func isAsTenant(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/admin/") && r.URL.Query().Get("as") == string(tenantstore.Tenant)
}

// ProblemForTenant returns the problem for a tenant that reads or changes its own settings. Its detail and
// its path are those for callers of a bot. It keeps the list of problems. A problem that is not in the
// tenant's own document loses its file, line, column and remedy.
func ProblemForTenant(err error) *Problem {
	p, e := problemOf(err)
	p.Detail, p.Path = e.ForCallers(), e.PathForCallers().String()
	for i := range p.Problems {
		if at := &p.Problems[i]; at.File != bodyName && at.File != tenantstore.OwnName {
			at.File, at.Line, at.Column, at.Remedy = "", 0, 0, ""
		}
	}
	return p
}

// explainTenant responds with every effective key of a tenant. With as=tenant it leaves out what the
// tenant may not see.
func (s *Server) explainTenant(w http.ResponseWriter, r *http.Request) error {
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
	if t.Effective == nil {
		return fault.New(fault.Invalid, "tenant %q has no valid configuration: %w", id, seenBy(as, t).Err).By(fault.PartyTenant)
	}
	return s.writeSettings(w, r, id, http.StatusOK, func() any { return newEffectiveFor(as, t, t.Effective) })
}

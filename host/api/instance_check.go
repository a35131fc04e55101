package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// InstanceChecker is a Host that can check the instances of a tenant.
type InstanceChecker interface {
	CheckInstances(ctx context.Context, tenant string) (host.InstanceChecks, error)
}

// InstanceChecks is the response body of POST /admin/v1/tenants/{id}/check.
type InstanceChecks struct {
	Tenant   string `json:"tenant"`
	Revision string `json:"revision"` // the revision that was checked; empty if none is served
	OK       bool   `json:"ok"`
	// Error says why the tenant's newest settings, or its own settings, are not served. Problems lists
	// all problems of the settings, also of those that are served.
	Error    string          `json:"error,omitempty"`
	Problems []ConfigProblem `json:"problems,omitempty"`
	// Instances has the llm, the memory and the storage, each before its nested plugins.
	Instances []InstanceCheck `json:"instances"`
}

// The states of an InstanceCheck.
const (
	StateOK      = "ok"
	StateFailed  = "failed"
	StateUnknown = "unknown" // the plugin cannot say
)

// InstanceCheck says whether one plugin instance of a tenant can do its work. The fields from Class to
// RetryAfterMS are set only if the check failed.
type InstanceCheck struct {
	Block        string `json:"block"` // the path of its block, such as "llm"
	Kind         string `json:"kind"`
	Plugin       string `json:"plugin"`
	State        string `json:"state"` // "ok", "failed" or "unknown"
	Class        string `json:"class,omitempty"`
	Party        string `json:"party,omitempty"` // tenant, provider, plugin or host
	Path         string `json:"path,omitempty"`  // the key to change
	Message      string `json:"message,omitempty"`
	Remedy       string `json:"remedy,omitempty"` // what to do, as a sentence
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	TookMS       int64  `json:"took_ms"`
}

// checkInstances checks the plugin instances of a tenant. The status is 200 also if a check fails. With
// as=tenant the response leaves out what only the operator may see.
func (s *Server) checkInstances(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	as, r, err := s.authorOf(w, r, id)
	if err != nil {
		return err
	}
	h, ok := s.host.(InstanceChecker)
	if !ok {
		return fault.New(fault.Invalid, "this host cannot check the instances of tenants")
	}
	found, err := h.CheckInstances(r.Context(), id)
	if err != nil {
		return err
	}
	out := newInstanceChecks(found)
	if as == tenantstore.Tenant {
		out = instanceChecksForTenant(found)
	}
	addAuditDetails(w, "ok", out.OK)
	return writeJSON(w, r, http.StatusOK, out)
}

// newInstanceChecks returns the result as the operator sees it.
func newInstanceChecks(found host.InstanceChecks) InstanceChecks {
	out := InstanceChecks{Tenant: found.Tenant.ID, Revision: found.Tenant.Revision, OK: found.OK(), Instances: []InstanceCheck{}}
	for _, err := range []error{found.Tenant.Err, found.Tenant.Held} {
		if err != nil {
			out.Error = strings.TrimPrefix(out.Error+"\n"+err.Error(), "\n")
			out.Problems = append(out.Problems, NewProblem(err).Problems...)
		}
	}
	if len(found.Problems) > 0 {
		out.Problems = append(out.Problems, ConfigProblems(found.Problems)...)
	}
	for _, i := range found.Instances {
		one := newInstanceCheck(i)
		if f := i.Err; f != nil {
			one.Path, one.Message, one.Remedy = f.Path.String(), f.Message, remedyOf(i)
		}
		out.Instances = append(out.Instances, one)
	}
	return out
}

// instanceChecksForTenant returns the result as the tenant may see it. It leaves out the texts of plugins
// and upstreams, and the problems of the operator's settings.
func instanceChecksForTenant(found host.InstanceChecks) InstanceChecks {
	t := found.Tenant.ForTenant()
	out := InstanceChecks{Tenant: t.ID, Revision: t.Revision, OK: found.OK(), Instances: []InstanceCheck{}}
	for _, err := range []error{t.Held, t.Err} {
		if err != nil && out.Error == "" {
			out.Error, out.Problems = err.Error(), NewProblem(err).Problems
		}
	}
	if out.Error == "" && (t.Effective == nil || len(found.Problems) > 0) {
		out.Error = "the settings are not valid; the operator can see why"
	}
	for _, i := range found.Instances {
		one := newInstanceCheck(i)
		if i.Err != nil {
			one.Message = i.Err.ForCallers()
		}
		out.Instances = append(out.Instances, one)
	}
	return out
}

// newInstanceCheck returns the result for one instance, without the path and the text of its error.
func newInstanceCheck(i host.InstanceCheck) InstanceCheck {
	out := InstanceCheck{
		Block: i.Block.Path().String(), Kind: i.Block.Kind, Plugin: i.Block.Plugin, State: StateOK, TookMS: i.Took.Milliseconds(),
	}
	switch f := i.Err; {
	case f != nil:
		out.State, out.Class, out.Party, out.RetryAfterMS = StateFailed, f.Class.String(), f.Party.String(), f.RetryAfter.Milliseconds()
	case i.Unknown:
		out.State = StateUnknown
	}
	return out
}

// remedyOf returns what the operator can do about an instance with an error.
func remedyOf(i host.InstanceCheck) string {
	f, plugin := i.Err, i.Block.Plugin
	switch {
	case f.Class == fault.PluginUnavailable:
		return "see what botyard plugin list and the host's log say about the plugin " + plugin
	case f.Class == fault.QuotaExhausted:
		return "raise the quota of the account at the provider"
	case f.RetryAfter > 0:
		return fmt.Sprintf("check again in %s", f.RetryAfter.Round(time.Second))
	case f.Class == fault.RateLimited:
		return "check again later"
	case f.Party == fault.PartyTenant && len(f.Path) > 0:
		return fmt.Sprintf("change %s, or what it names, and check again", f.Path)
	case f.Party == fault.PartyTenant:
		return fmt.Sprintf("change the block %s, and check again", i.Block.Path())
	case f.Class == fault.ProviderFailed, f.Class == fault.Deadline:
		return fmt.Sprintf("see whether what the plugin %s connects to runs, and whether this host reaches it", plugin)
	}
	return "see what the host's log says about the plugin " + plugin
}

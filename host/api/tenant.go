package api

import (
	"errors"
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// Tenant is a registered tenant. Its ETag is its revision; of one with own settings it is
// longer, and another one for each change of either document.
type Tenant struct {
	ID        string  `json:"id"`
	Source    string  `json:"source"`            // "api", or the file that it comes from
	Revision  string  `json:"revision"`          // that is served; empty if none is
	Version   int64   `json:"version,omitempty"` // newest of its history, where the host keeps one
	State     string  `json:"state"`             // "active", or "removed": not served, and its id reserved
	UpdatedAt *string `json:"updated_at"`
	Created   bool    `json:"created,omitempty"` // by the PUT that this answers
	// Error is why the newest configuration is not served; Problems are all of them.
	Error    string          `json:"error,omitempty"`
	Problems []ConfigProblem `json:"problems,omitempty"`
	// Unavailable is why turns are refused although the configuration that is served is
	// valid: a plugin is not there, or does not take it. It is what the last try gave.
	Unavailable string `json:"unavailable,omitempty"`
	// KeptAway are the plugins that refuse the tenant's calls for a while, since they ended
	// again and again while they worked for it alone.
	KeptAway []plugins.KeptAwayFrom `json:"kept_away,omitempty"`
	// MissingSecret is which secret of the configuration that is served is not there any
	// more. A bot that is ready goes on with what it has; it cannot be built anew.
	MissingSecret string `json:"missing_secret,omitempty"`
	// Config is the operator's configuration of the tenant, or with as=tenant its own, with
	// "<secret>" for each secret. It is not in lists, and of the operator's not there for a
	// tenant that never had a valid one: nothing tells its secrets from the rest.
	Config map[string]any `json:"config,omitempty"`
	// Own is the tenant's own layer; nil if it has none.
	Own *OwnSettings `json:"own,omitempty"`
}

// OwnSettings is a tenant's own layer.
type OwnSettings struct {
	// Held says that the own settings do not count, as a whole: they contradict the
	// operator's, or what the operator allows. Error and Problems say why.
	Held     bool            `json:"held"`
	Error    string          `json:"error,omitempty"`
	Problems []ConfigProblem `json:"problems,omitempty"`
	// Config is what is in them, with "<secret>" for each secret. It is not in lists, and
	// with as=tenant it is the tenant's Config.
	Config map[string]any `json:"config,omitempty"`
}

// Tenants answers GET /admin/v1/tenants, by id. Next, unless null, is the after of the
// next page.
type Tenants struct {
	Tenants []Tenant `json:"tenants"`
	Next    *string  `json:"next"`
	// IgnoredFiles are in tenant folders, look like a tenant's and bring none. They come
	// with the first page.
	IgnoredFiles []IgnoredFile `json:"ignored_files,omitempty"`
}

// IgnoredFile is a file that brings no tenant.
type IgnoredFile struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// FileFollower is a Host with folders of tenant files.
type FileFollower interface {
	IgnoredTenantFiles() []tenantdir.Ignored
}

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
		f := fault.Of(t.Unavailable)
		if out.Unavailable = f.Message; f.Path != "" {
			out.Unavailable = f.Path + ": " + f.Message
		}
	}
	return out
}

// shown is a tenant with its documents: the operator's and its own, or as the tenant the
// latter alone.
func shown(t registry.Tenant, e *config.Effective, as registry.Author) Tenant {
	out := newTenant(t)
	own := coveredOwn(t.Documents.Own, e)
	if as == tenantstore.Tenant {
		out.Config = own
		return out
	}
	out.Config = covered(t.Documents.Operator, e)
	if out.Own != nil {
		out.Own.Config = own
	}
	return out
}

func hide(config.Path, string) string { return secret.Placeholder }

// covered is the operator's document with its secrets hidden. Of a document that was
// never valid nobody knows what they are.
func covered(doc *config.Document, e *config.Effective) map[string]any {
	if doc == nil || e == nil {
		return nil
	}
	operators, _ := e.TenantSecrets()
	return doc.ReplaceText(operators.All(), hide).Values()
}

// coveredOwn is a tenant's own document with its secrets hidden: those that were when it
// was put, and those that are now.
func coveredOwn(own *config.Document, e *config.Effective) map[string]any {
	if own == nil {
		return nil
	}
	secrets := own.Marked()
	if e != nil {
		_, now := e.TenantSecrets()
		secrets = append(secrets, now.All()...)
	}
	return own.ReplaceText(secrets, hide).Values()
}

// author reads the parameter as: whose document the request is about.
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
	as, err := queryOf(r).author()
	if err != nil {
		return err
	}
	if err := s.checkPace(as, id); err != nil {
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
	setETag(w, t.Tag)
	if as == tenantstore.Tenant && t.Documents.Own == nil {
		return fault.New(fault.NotFound, "tenant %q has no own settings", id)
	}
	return s.writeSettings(w, r, id, http.StatusOK, func() any {
		out := shown(t, effective, as)
		out.KeptAway = s.host.Plugins().KeptAway()[id]
		return out
	})
}

// tenantBodyLimit is above what a document may have, so that one a little too
// large gets the parser's answer.
const tenantBodyLimit = 2 << 20

// mergePatch is the media type of RFC 7396.
const mergePatch = "application/merge-patch+json"

// putTenant registers a tenant or replaces its configuration; as the tenant, its own
// settings. With dry_run it checks all the same, changes nothing, and answers what would
// be effective. A body of the type of a merge patch is one.
func (s *Server) putTenant(w http.ResponseWriter, r *http.Request) error {
	patch := checkContentType(r.Header.Values("Content-Type"), mergePatch) == nil
	return s.changeTenant(w, r, patch)
}

// patchTenant changes some keys of a tenant's configuration, or of its own settings, and
// leaves the others.
func (s *Server) patchTenant(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Patch", mergePatch)
	return s.changeTenant(w, r, true)
}

func (s *Server) changeTenant(w http.ResponseWriter, r *http.Request, patch bool) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	o := registry.PutOptions{Source: registry.SourceAPI, Patch: patch}
	var err error
	if o.DryRun, err = queryOf(r).flag("dry_run"); err != nil {
		return err
	}
	if o.Author, err = queryOf(r).author(); err != nil {
		return err
	}
	if o.DryRun {
		noAct(w)
	}
	noteAct(w, "as", o.Author)
	if o.IfMatch, err = ifMatch(r); err != nil {
		return err
	}
	if o.IfNone, err = ifNoneMatch(r); err != nil {
		return err
	}
	if err := s.checkPace(o.Author, id); err != nil {
		return err
	}
	kind := "application/json"
	if patch {
		kind = mergePatch
	}
	body, err := readBodyOf(w, r, tenantBodyLimit, kind)
	if err != nil {
		return err
	}
	leave, err := s.settings.Enter(id)
	if err != nil {
		return err
	}
	defer leave()
	doc, err := s.parseSettings(r, id, body)
	if err != nil {
		return unreadable(err)
	}
	t, effective, err := s.host.Registry().Put(r.Context(), id, doc, o)
	if err != nil {
		return preconditioned(err)
	}
	if o.DryRun {
		return s.showDryRun(w, r, t, effective)
	}
	noteAct(w, "version", t.Version, "created", t.Created)
	noteHeld(w, t)
	setETag(w, t.Tag)
	status := http.StatusOK
	if t.Created {
		status = http.StatusCreated
	}
	return s.writeSettings(w, r, id, status, func() any { return shown(t, effective, o.Author) })
}

// noteHeld keeps for the log that the tenant's own settings are held, and why.
func noteHeld(w http.ResponseWriter, t registry.Tenant) {
	if t.Held != nil {
		noteAct(w, "own_settings", "held", "reason", t.Held)
	}
}

// showDryRun answers what would be effective after a change.
func (s *Server) showDryRun(w http.ResponseWriter, r *http.Request, t registry.Tenant, effective *config.Effective) error {
	if effective == nil { // a plugin of the tenant's own settings is not there
		return fault.New(fault.Invalid, "the change is right by itself, but the tenant would not be served with its own settings: %w", t.Err)
	}
	return s.writeSettings(w, r, t.ID, http.StatusOK, func() any {
		out := NewEffective(effective)
		out.Own = newTenant(t).Own
		return out
	})
}

// bodyName stands for the body in the positions of its problems.
const bodyName = "body"

// unreadable is a document that could not even be parsed.
func unreadable(err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	return withStatus(http.StatusBadRequest, fault.New(fault.Invalid, "the body is not a configuration in JSON: %w", err))
}

func (s *Server) deleteTenant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	match, err := ifMatch(r)
	if err != nil {
		return err
	}
	as, err := queryOf(r).author()
	if err != nil {
		return err
	}
	noteAct(w, "as", as)
	s.noteVersion(w, r, id)
	if as == tenantstore.Tenant {
		if err := s.checkPace(as, id); err != nil {
			return err
		}
		leave, err := s.settings.Enter(id)
		if err != nil {
			return err
		}
		defer leave()
		return s.removeOwn(w, r, id, match)
	}
	if err := s.host.Registry().Remove(r.Context(), id, match); err != nil {
		return preconditioned(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// removeOwn takes a tenant's own settings away.
func (s *Server) removeOwn(w http.ResponseWriter, r *http.Request, id, match string) error {
	t, err := s.host.Registry().RemoveOwn(r.Context(), id, match)
	if err != nil {
		return preconditioned(err)
	}
	noteAct(w, "version", t.Version)
	setETag(w, t.Tag)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

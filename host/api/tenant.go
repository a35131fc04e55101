package api

import (
	"errors"
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantdir"
	"github.com/botyard/botyard/sdk/fault"
)

// Tenant is a registered tenant. Its ETag is its revision.
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
	// Config is the tenant's own configuration, with "<secret>" for each secret. It
	// is not in lists, and not there for a tenant that never had a valid one: nothing
	// tells its secrets from the rest.
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

// covered is a tenant's document with its secrets hidden. Of a document that was
// never valid nobody knows what they are.
func covered(doc *config.Document, e *config.Effective) map[string]any {
	if doc == nil || e == nil {
		return nil
	}
	secrets, _ := e.TenantSecrets()
	hide := func(config.Path, string) string { return secret.Placeholder }
	return doc.ReplaceText(secrets.All(), hide).Values()
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
	leave, err := s.settings.Enter(id)
	if err != nil {
		return err
	}
	defer leave()
	t, doc, effective, err := s.host.Registry().Get(r.Context(), id)
	if err != nil {
		return err
	}
	setETag(w, t.Revision)
	return s.writeSettings(w, r, id, http.StatusOK, func() any {
		out := newTenant(t)
		out.Config = covered(doc, effective)
		out.KeptAway = s.host.Plugins().KeptAway()[id]
		return out
	})
}

// tenantBodyLimit is above what a document may have, so that one a little too
// large gets the parser's answer.
const tenantBodyLimit = 2 << 20

// putTenant registers a tenant or replaces its configuration. With dry_run it
// checks all the same, changes nothing, and answers what would be effective.
func (s *Server) putTenant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	o := registry.PutOptions{Source: registry.SourceAPI}
	var err error
	if o.DryRun, err = queryOf(r).flag("dry_run"); err != nil {
		return err
	}
	if o.DryRun {
		noAct(w)
	}
	if o.IfMatch, err = ifMatch(r); err != nil {
		return err
	}
	if o.IfNone, err = ifNoneMatch(r); err != nil {
		return err
	}
	body, err := readBody(w, r, tenantBodyLimit)
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
		return s.writeSettings(w, r, id, http.StatusOK, func() any { return NewEffective(effective) })
	}
	noteAct(w, "version", t.Version, "created", t.Created)
	setETag(w, t.Revision)
	status := http.StatusOK
	if t.Created {
		status = http.StatusCreated
	}
	return s.writeSettings(w, r, id, status, func() any {
		out := newTenant(t)
		out.Config = covered(doc, effective)
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
	s.noteVersion(w, r, id)
	if err := s.host.Registry().Remove(r.Context(), id, match); err != nil {
		return preconditioned(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

package api

import (
	"errors"
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// maxTenantBody is the maximum size of a tenant's document in a body. It is larger than
// bounds.DocumentBytes, so that the parser reports a document that is slightly too large.
const maxTenantBody = 2 << 20

// mergePatchType is the media type of a JSON merge patch, RFC 7396.
const mergePatchType = "application/merge-patch+json"

// putTenant registers a tenant or replaces its configuration. With as=tenant it replaces the
// tenant's own settings. With dry_run it checks everything, changes nothing, and responds with the
// effective configuration that the change would give. A body with the media type of a merge patch
// is applied as a patch.
func (s *Server) putTenant(w http.ResponseWriter, r *http.Request) error {
	if checkContentType(r.Header.Values("Content-Type"), mergePatchType) == nil {
		return s.changeTenant(w, r, mergePatchType)
	}
	return s.changeTenant(w, r, "application/json")
}

// patchTenant applies a merge patch to a tenant's configuration, or with as=tenant to its own
// settings.
func (s *Server) patchTenant(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Patch", mergePatchType)
	return s.changeTenant(w, r, mergePatchType)
}

// changeTenant puts or patches a tenant. The media type of the body selects between the two.
func (s *Server) changeTenant(w http.ResponseWriter, r *http.Request, mediaType string) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	o := registry.PutOptions{Source: registry.SourceAPI, Patch: mediaType == mergePatchType}
	var err error
	if o.DryRun, err = queryOf(r).flag("dry_run"); err != nil {
		return err
	}
	if o.DryRun {
		skipAudit(w)
	}
	if o.Author, r, err = s.authorOf(w, r, id); err != nil {
		return err
	}
	if o.IfMatch, err = ifMatch(r); err != nil {
		return err
	}
	if o.IfNone, err = ifNoneMatch(r); err != nil {
		return err
	}
	body, err := readBodyOf(w, r, maxTenantBody, mediaType)
	if err != nil {
		return err
	}
	leave, err := s.settings.Acquire(id)
	if err != nil {
		return err
	}
	defer leave()
	doc, err := s.parseSettings(r, id, body)
	if err != nil {
		return unparsable(err)
	}
	t, err := s.host.Registry().Put(r.Context(), id, doc, o)
	if err != nil {
		return preconditionError(err)
	}
	if o.DryRun {
		return s.writeDryRun(w, r, t, o.Author)
	}
	addAuditDetails(w, "version", t.Version, "created", t.Created)
	auditHeld(w, t)
	setETag(w, t.Tag)
	status := http.StatusOK
	if t.Created {
		status = http.StatusCreated
	}
	return s.writeSettings(w, r, id, status, func() any { return newTenantWithConfig(t, t.Effective, o.Author) })
}

// auditHeld adds a detail to the audit line if the tenant's own settings are held, with the reason.
func auditHeld(w http.ResponseWriter, t registry.Tenant) {
	if t.Held != nil {
		addAuditDetails(w, "own_settings", "held", "reason", t.Held)
	}
}

// writeDryRun responds with the effective configuration that a change would give.
func (s *Server) writeDryRun(w http.ResponseWriter, r *http.Request, t registry.Tenant, as registry.Author) error {
	// Effective is nil here if the own settings name a plugin that is not installed.
	if t.Effective == nil {
		return fault.New(fault.Invalid, "the change is right by itself, but the tenant would not be served with its own settings: %w", seenBy(as, t).Err)
	}
	return s.writeSettings(w, r, t.ID, http.StatusOK, func() any { return newEffectiveFor(as, t, t.Effective) })
}

// bodyName stands for the request body in the positions of problems, in place of a file name.
const bodyName = "body"

// unparsable returns the error for a body that cannot be parsed as a configuration document.
func unparsable(err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	return withStatus(http.StatusBadRequest, fault.New(fault.Invalid, "the body is not a configuration in JSON: %w", err))
}

// deleteTenant removes a tenant. With as=tenant it removes only the tenant's own settings.
func (s *Server) deleteTenant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return err
	}
	match, err := ifMatch(r)
	if err != nil {
		return err
	}
	as, r, err := s.authorOf(w, r, id)
	if err != nil {
		return err
	}
	s.auditVersionBefore(w, r, id)
	if as == tenantstore.Tenant {
		leave, err := s.settings.Acquire(id)
		if err != nil {
			return err
		}
		defer leave()
		return s.removeOwnSettings(w, r, id, match)
	}
	if err := s.host.Registry().Remove(r.Context(), id, match); err != nil {
		return preconditionError(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// removeOwnSettings removes a tenant's own settings.
func (s *Server) removeOwnSettings(w http.ResponseWriter, r *http.Request, id, match string) error {
	t, err := s.host.Registry().RemoveOwn(r.Context(), id, match)
	if err != nil {
		return preconditionError(err)
	}
	addAuditDetails(w, "version", t.Version)
	setETag(w, t.Tag)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

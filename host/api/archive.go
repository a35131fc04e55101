package api

import (
	"net/http"
	"time"

	"github.com/botyard/botyard/host/archive"
	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/fault"
)

// Archiver is a Host that can export, import, erase and purge tenants.
type Archiver interface {
	Archive() *archive.Archive
}

// archiveOf returns the archive of the host, and the tenant id in the request's path.
func (s *Server) archiveOf(r *http.Request) (a *archive.Archive, id string, err error) {
	id = r.PathValue("id")
	if err := checkTenantID("id", id); err != nil {
		return nil, "", err
	}
	h, ok := s.host.(Archiver)
	if !ok {
		return nil, "", fault.New(fault.Invalid, "this host has no operations on whole tenants")
	}
	return h.Archive(), id, nil
}

// exportTenant responds with an export of the tenant, as JSON lines in the format of package
// archive.
func (s *Server) exportTenant(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	user, err := q.id("user")
	if err != nil {
		return err
	}
	current, err := q.flag("current")
	if err != nil {
		return err
	}
	a, id, err := s.archiveOf(r)
	if err != nil {
		return err
	}
	e, err := a.Export(r.Context(), id, archive.ExportOptions{User: user, Current: current})
	if err != nil {
		return err
	}
	defer e.Close()
	out := newNDJSONWriter(w, ndjsonTimeout)
	if r.Method == http.MethodHead {
		out.begin()
		return nil
	}
	if err := e.Write(r.Context(), out); err != nil {
		return out.fail(r, err)
	}
	return nil
}

// Imported is the response body of POST /admin/v1/tenants/{id}/import.
type Imported struct {
	Conversations int64 `json:"conversations"`
	Turns         int64 `json:"turns"`       // turns that the import added
	Present       int64 `json:"present"`     // turns that the storage already had
	Interrupted   int64 `json:"interrupted"` // turns that were running when the export was written
	LeftOut       int64 `json:"left_out"`    // conversations that were skipped because a later conversation has the same id or turns are missing
	Registered    bool  `json:"registered"`  // whether the import registered the tenant with the configuration in the export
}

// importTenant imports an export while the body arrives. An error in the middle of the body says
// how much was imported before the error.
func (s *Server) importTenant(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	register, err := q.flag("register")
	if err != nil {
		return err
	}
	if err := checkContentType(r.Header.Values("Content-Type"), ndjsonType); err != nil {
		return err
	}
	a, id, err := s.archiveOf(r)
	if err != nil {
		return err
	}
	body, stop := streamBody(w, r, ndjsonTimeout)
	defer stop()
	done, err := a.Import(r.Context(), id, archive.ImportOptions{Register: register}, body)
	if err != nil {
		return err
	}
	addAuditDetails(w, "turns", done.Turns, "registered", done.Registered)
	return writeJSON(w, r, http.StatusOK, Imported{
		Conversations: done.Conversations, Turns: done.Turns, Present: done.Present,
		Interrupted: done.Interrupted, LeftOut: done.LeftOut, Registered: done.Registered,
	})
}

// DeletionProgress is a line in the response of an erasure or a purge. It says what was deleted so
// far in one storage.
type DeletionProgress struct {
	Type string `json:"type"` // always "progress"
	archive.Count
}

// ErasedLine is the last line in the response of POST /admin/v1/tenants/{id}/erase.
type ErasedLine struct {
	Type string `json:"type"` // always "result"
	archive.Erased
}

// PurgedLine is the last line in the response of POST /admin/v1/tenants/{id}/purge.
type PurgedLine struct {
	Type string `json:"type"` // always "result"
	archive.Receipt
}

// eraseTenant erases all conversations of a tenant, or the conversations and turns of one of its
// users. The body is {"user": "...", "abandon": ["..."]}; both fields are optional.
func (s *Server) eraseTenant(w http.ResponseWriter, r *http.Request) error {
	var user string
	return s.runDeletion(w, r, map[string]any{"user": &user}, func(a *archive.Archive, id string, d archive.DeletionOptions) (any, error) {
		if user != "" {
			if err := bot.CheckID("user", user); err != nil {
				return nil, malformed("user", "%s", fault.Of(err).Message)
			}
		}
		addAuditDetails(w, "one_user", user != "")
		done, err := a.Erase(r.Context(), id, user, d)
		if err != nil {
			return nil, err
		}
		return ErasedLine{"result", *done}, nil
	})
}

// purgeTenant deletes everything of a tenant. The body is {"abandon": ["..."]}; the field is
// optional.
func (s *Server) purgeTenant(w http.ResponseWriter, r *http.Request) error {
	return s.runDeletion(w, r, map[string]any{}, func(a *archive.Archive, id string, d archive.DeletionOptions) (any, error) {
		receipt, err := a.Purge(r.Context(), id, d)
		if err != nil {
			return nil, err
		}
		return PurgedLine{"result", *receipt}, nil
	})
}

// progressEvery is the shortest time between two lines of progress.
const progressEvery = 500 * time.Millisecond

// runDeletion reads the body into fields and into the list "abandon", and calls do. It responds
// with lines of progress while do runs, and a last line with the result of do.
func (s *Server) runDeletion(w http.ResponseWriter, r *http.Request, fields map[string]any, do func(*archive.Archive, string, archive.DeletionOptions) (any, error)) error {
	a, id, err := s.archiveOf(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, maxSmallBody)
	if err != nil {
		return err
	}
	var d archive.DeletionOptions
	fields["abandon"] = &d.Abandon
	if err := decodeObject(body, fields); err != nil {
		return err
	}
	s.auditVersionBefore(w, r, id)
	out := newNDJSONWriter(w, s.writeTimeout)
	var last time.Time
	d.Progress = func(c archive.Count) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			_ = out.writeLine(DeletionProgress{"progress", c}) // the deletion continues if the caller has disconnected
		}
	}
	done, err := do(a, id, d)
	if err != nil {
		return out.fail(r, err)
	}
	if err := out.writeLine(done); err != nil {
		noteError(w, err)
	}
	return nil
}

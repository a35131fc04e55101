package tenantdir

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
)

// ErrTaken is in the chain of Target.Apply's error if the id belongs to a tenant that is not of
// a file.
var ErrTaken = errors.New("the id is taken")

// invalidNameError says that the name of a file is not a valid tenant id.
type invalidNameError struct{ error }

// application is one application of a file. The goroutine that applies the file owns it until
// applyDoneLocked.
type application struct {
	id, path string
	live     bool // the target serves the tenant
	served   bool // the target serves the tenant with this file
	unread   bool // the file could not be read
}

// apply reads a file and passes its document to the target, which then serves it. If that
// fails, the file is refused, and a tenant that is not served yet is served with its last good
// document. The caller must not hold mu.
func (f *Follower) apply(ctx context.Context, job *application) error {
	id, path := job.id, job.path
	if err := config.ValidTenantID(id); err != nil {
		return &invalidNameError{err}
	}
	var doc *config.Document
	src, err := f.o.read(ctx, path)
	job.unread = err != nil && ctx.Err() == nil
	if err == nil {
		doc, err = f.parse(config.Parse, path, src)
	}
	var secrets []config.Path
	if err == nil {
		// A text that was secret in the last good document stays secret, even if a newer
		// version of a plugin does not mark its key.
		last, _ := f.o.LastGood.get(id)
		secrets, err = f.o.Target.Apply(ctx, id, path, doc.MarkSecret(last.Secrets))
	}
	if errors.Is(err, ErrTaken) {
		return err // Target.Refuse would record the error for a tenant that is not of a file.
	}
	if err == nil {
		job.served, job.live = true, true
		if err := f.o.LastGood.put(lastGoodDocument{ID: id, Path: path, Source: src, Secrets: secrets}); err != nil {
			f.o.Log.Warn("the last good settings are not kept", "tenant", id, "error", err)
		}
		f.o.Log.Info("tenant applied", "tenant", id, "file", path)
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	f.restoreLastGood(ctx, job)
	f.o.Target.Refuse(id, path, err)
	return err
}

// parse parses a document. Only one document is parsed at a time, because parsing a short file
// may take much memory.
func (f *Follower) parse(parse func(string, []byte) (*config.Document, error), path string, src []byte) (*config.Document, error) {
	f.parsing.Lock()
	defer f.parsing.Unlock()
	return parse(path, src)
}

// restoreLastGood makes the target serve the tenant's last good document, even if it came from
// another file. It does nothing if the target serves the tenant already, or if there is no last
// good document.
func (f *Follower) restoreLastGood(ctx context.Context, job *application) {
	if job.live {
		return
	}
	last, ok := f.o.LastGood.get(job.id)
	if !ok {
		return
	}
	doc, err := f.parse(config.ParseKept, last.Path, last.Source)
	if err == nil {
		_, err = f.o.Target.Apply(ctx, job.id, job.path, doc.MarkSecret(last.Secrets))
	}
	if err != nil {
		f.o.Log.Warn("the last good settings do not serve any more", "tenant", job.id, "error", err)
		return
	}
	job.live = true
}

// setResultLocked records the result of applying a file. It logs an error that differs from the
// file's last error. Locked: mu is held.
func (f *Follower) setResultLocked(known *file, err error) {
	var invalidName *invalidNameError
	switch {
	case errors.As(err, &invalidName), errors.Is(err, ErrTaken):
		known.refused = true
		f.setUnusedLocked(known, err.Error())
		return
	case err == nil:
		known.refused, known.failure, known.unused = false, "", ""
		return
	}
	known.refused, known.unused = true, ""
	if why := err.Error(); why != known.failure {
		known.failure = why
		f.o.Log.Error("tenant refused", "tenant", known.tenant.id, "file", known.path, "error", why)
	}
}

// setUnusedLocked records why a file is not used for any tenant. It logs a reason that differs
// from the file's last reason. Locked: mu is held.
func (f *Follower) setUnusedLocked(known *file, why string) {
	if known.unused != why {
		f.o.Log.Error("tenant file is not used", "file", known.path, "reason", why)
	}
	known.unused, known.failure = why, ""
}

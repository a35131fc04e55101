package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/config"
)

// settle reads the files that did not change for a while, in the order of their
// paths, so that of two with one id the same wins each time. The one that brings the
// tenant goes on bringing it as long as it is there.
func (f *Follower) settle(ctx context.Context, seen view) {
	now := f.now()
	var ready []*file
	for path, known := range f.files {
		if _, there := seen.files[path]; there && known.pending && now.Sub(known.changed) >= f.o.timing.settle {
			ready = append(ready, known)
		}
	}
	slices.SortFunc(ready, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	for _, known := range ready {
		if ctx.Err() != nil {
			return
		}
		known.pending, known.again = false, time.Time{}
		t := known.tenant
		if before := t.source; before != nil && before != known {
			if !before.gone {
				f.leaveOut(known, fmt.Sprintf("tenant %s comes from %s: remove one of the two", t.id, before.path))
				continue
			}
			f.forget(before)
			f.o.Log.Info("tenant comes from another file now", "tenant", t.id, "file", known.path, "before", before.path)
		}
		t.source = known
		err := f.read(ctx, known)
		if ctx.Err() != nil {
			known.pending = true // it says nothing about the file
			return
		}
		f.judged(known, err)
	}
}

// judged notes what came of reading a file, and tells what is new of it.
func (f *Follower) judged(known *file, err error) {
	var misnamed *nameError
	switch {
	case errors.As(err, &misnamed), errors.Is(err, ErrTaken):
		known.refused = true
		f.leaveOut(known, err.Error())
		return
	case err == nil:
		known.refused, known.failed, known.unused = false, "", ""
		return
	}
	known.refused, known.unused = true, ""
	if why := err.Error(); why != known.failed {
		known.failed = why
		f.o.Log.Error("tenant refused", "tenant", known.tenant.id, "file", known.path, "error", why)
	}
}

// leaveOut notes why a file brings no tenant.
func (f *Follower) leaveOut(known *file, why string) {
	if known.unused != why {
		f.o.Log.Error("tenant file is not used", "file", known.path, "reason", why)
	}
	known.unused, known.failed = why, ""
}

// nameError says that a file's name is no tenant's.
type nameError struct{ error }

// read applies one file, or has the tenant's last good document serve.
func (f *Follower) read(ctx context.Context, known *file) error {
	t, path := known.tenant, known.path
	if err := config.ValidTenantID(t.id); err != nil {
		return &nameError{err}
	}
	var doc *config.Document
	src, err := f.o.read(ctx, path)
	if err != nil && ctx.Err() == nil {
		known.again = f.now().Add(f.o.timing.reread)
	}
	if err == nil {
		doc, err = config.Parse(path, src)
	}
	var secrets []config.Path
	if err == nil {
		last, _ := f.o.Store.get(t.id)
		secrets, err = f.o.Target.Apply(ctx, t.id, path, doc.MarkSecret(last.Secrets))
	}
	if errors.Is(err, ErrTaken) {
		return err // the id is another source's: nothing is noted under it
	}
	if err == nil {
		t.served, t.live = true, true
		if err := f.o.Store.put(kept{ID: t.id, Path: path, Source: src, Secrets: secrets}); err != nil {
			f.o.Log.Warn("the last good settings are not kept", "tenant", t.id, "error", err)
		}
		f.o.Log.Info("tenant applied", "tenant", t.id, "file", path)
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	f.restore(ctx, t)
	f.o.Target.Refuse(t.id, path, err)
	return err
}

// ErrTaken is in the chain of Apply's error when the id belongs to another source.
var ErrTaken = errors.New("the id is taken")

// restore has the tenant's last good document serve, whatever file it came from, if
// there is one and the tenant is not served.
func (f *Follower) restore(ctx context.Context, t *tenant) {
	if t.live {
		return
	}
	k, ok := f.o.Store.get(t.id)
	if !ok {
		return
	}
	doc, err := config.ParseKept(k.Path, k.Source)
	if err == nil {
		_, err = f.o.Target.Apply(ctx, t.id, t.source.path, doc.MarkSecret(k.Secrets))
	}
	if err != nil {
		f.o.Log.Warn("the last good settings do not serve any more", "tenant", t.id, "error", err)
		return
	}
	t.live = true
}

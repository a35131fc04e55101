package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
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
		t := known.tenant
		if t.judging {
			continue // when that has ended
		}
		known.pending, known.again = false, time.Time{}
		if before := t.source; before != nil && before != known {
			if !before.gone {
				f.leaveOut(known, fmt.Sprintf("tenant %s comes from %s: remove one of the two", t.id, before.path))
				continue
			}
			f.forget(before)
			f.o.Log.Info("tenant comes from another file now", "tenant", t.id, "file", known.path, "before", before.path)
		}
		t.source = known
		f.judgeLocked(ctx, known)
	}
	f.awaitLocked(ctx, 0, f.o.timing.patience)
}

// judgeLocked has one file applied, beside others. Where too many are at it, it waits until
// one of them has ended. Locked: mu is held, and released while it waits.
func (f *Follower) judgeLocked(ctx context.Context, known *file) {
	f.awaitLocked(ctx, bounds.FilesJudgedAtOnce-1, never)
	t := known.tenant
	if ctx.Err() != nil || t.judging || t.source != known {
		known.pending = true
		return
	}
	t.judging = true
	f.judging++
	job := applying{id: t.id, path: known.path, live: t.live}
	f.jobs.Go(func() {
		err := f.apply(ctx, &job)
		f.mu.Lock()
		defer f.mu.Unlock()
		t.judging = false
		f.judging--
		if f.ended != nil {
			close(f.ended)
			f.ended = nil
		}
		t.live = t.live || job.live
		t.served = t.served || job.served
		if job.unread {
			known.again = f.now().Add(f.o.timing.reread)
		}
		if ctx.Err() != nil {
			known.pending = true // it says nothing about the file
			return
		}
		f.judged(known, err)
	})
	// Most are quick, and one after the other they do not get into each other's way.
	f.awaitLocked(ctx, f.judging-1, quick)
}

// quick is how long a file is waited for before the next one is applied beside it.
const quick = 50 * time.Millisecond

// never is a patience that does not end.
const never = time.Duration(math.MaxInt64)

// awaitLocked waits until so few files are being applied, with some patience: a plugin that
// is asked for one of them may take its time, and the others go on meanwhile. Locked: mu is
// held, and released while it waits.
func (f *Follower) awaitLocked(ctx context.Context, few int, patience time.Duration) {
	if f.judging <= few {
		return
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for f.judging > few {
		if f.ended == nil {
			f.ended = make(chan struct{})
		}
		ended := f.ended
		f.mu.Unlock()
		over := false
		select {
		case <-ended:
		case <-ctx.Done():
			over = true
		case <-limit.C:
			over = true
		}
		f.mu.Lock()
		if over {
			return
		}
	}
}

// applying is one file on its way to be served.
type applying struct {
	id, path string
	live     bool // the tenant is served
	served   bool // the file is what it is served with
	unread   bool // the file could not be read now
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

// apply serves one file, or has the tenant's last good document serve. The lock is not held.
func (f *Follower) apply(ctx context.Context, job *applying) error {
	id, path := job.id, job.path
	if err := config.ValidTenantID(id); err != nil {
		return &nameError{err}
	}
	var doc *config.Document
	src, err := f.o.read(ctx, path)
	job.unread = err != nil && ctx.Err() == nil
	if err == nil {
		doc, err = f.parse(config.Parse, path, src)
	}
	var secrets []config.Path
	if err == nil {
		last, _ := f.o.Store.get(id)
		secrets, err = f.o.Target.Apply(ctx, id, path, doc.MarkSecret(last.Secrets))
	}
	if errors.Is(err, ErrTaken) {
		return err // the id is another source's: nothing is noted under it
	}
	if err == nil {
		job.served, job.live = true, true
		if err := f.o.Store.put(kept{ID: id, Path: path, Source: src, Secrets: secrets}); err != nil {
			f.o.Log.Warn("the last good settings are not kept", "tenant", id, "error", err)
		}
		f.o.Log.Info("tenant applied", "tenant", id, "file", path)
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	f.restore(ctx, job)
	f.o.Target.Refuse(id, path, err)
	return err
}

// parse reads a document, one at a time: a file that is short may need much memory to be
// read.
func (f *Follower) parse(parse func(string, []byte) (*config.Document, error), path string, src []byte) (*config.Document, error) {
	f.parsing.Lock()
	defer f.parsing.Unlock()
	return parse(path, src)
}

// ErrTaken is in the chain of Apply's error when the id belongs to another source.
var ErrTaken = errors.New("the id is taken")

// restore has the tenant's last good document serve, whatever file it came from, if
// there is one and the tenant is not served.
func (f *Follower) restore(ctx context.Context, job *applying) {
	if job.live {
		return
	}
	k, ok := f.o.Store.get(job.id)
	if !ok {
		return
	}
	doc, err := f.parse(config.ParseKept, k.Path, k.Source)
	if err == nil {
		_, err = f.o.Target.Apply(ctx, job.id, job.path, doc.MarkSecret(k.Secrets))
	}
	if err != nil {
		f.o.Log.Warn("the last good settings do not serve any more", "tenant", job.id, "error", err)
		return
	}
	job.live = true
}

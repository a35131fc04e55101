package sqlitestore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
)

const (
	tidyEvery  = time.Hour
	leftAlone  = time.Hour // after which nobody will come back for what a deletion left over
	scrubAfter = time.Second
	scrubTries = 30
)

// janitor does in the background what no caller waits for: it finishes deletions that
// were cut off, and takes deleted texts out of the write-ahead log.
type janitor struct {
	store *Store
	stop  context.CancelFunc
	ended chan struct{}
	dirty chan struct{} // of one
}

func newJanitor(s *Store) *janitor {
	ctx, stop := context.WithCancel(context.Background())
	j := &janitor{store: s, stop: stop, ended: make(chan struct{}), dirty: make(chan struct{}, 1)}
	go j.run(ctx)
	return j
}

func (j *janitor) close() {
	j.stop()
	<-j.ended
}

// scrub has the write-ahead log emptied soon: until then it has what was deleted.
func (j *janitor) scrub() {
	select {
	case j.dirty <- struct{}{}:
	default:
	}
}

func (j *janitor) run(ctx context.Context) {
	defer close(j.ended)
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := j.tidy(ctx); err != nil && ctx.Err() == nil {
			j.store.log.Warn("what deletions left over is still there", "path", j.store.path, "error", err)
		}
		for again := false; !again; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				again = true
			case <-j.dirty:
				j.empty(ctx)
			}
		}
	}
}

// tidy finishes deletions that were left alone for long. Those of others that are at
// work are theirs: they count what they remove.
func (j *janitor) tidy(ctx context.Context) error {
	s := j.store
	if gone(s.path) { // and is not made for this
		return nil
	}
	cut := s.now().Add(-leftAlone).UnixNano()
	for {
		r := remains{before: cut}
		found := false
		err := s.read(ctx, func(tx *session) (err error) {
			r.call, found, err = abandoned(tx, cut)
			return err
		})
		if err != nil {
			return err
		}
		if !found {
			return nil
		}
		if _, err := s.sweep(ctx, r, 0); err != nil {
			return err
		}
		j.scrub()
	}
}

// abandoned is a tenant that has remains from before the cut.
func abandoned(tx *session, cut int64) (call sdk.Call, found bool, err error) {
	for _, query := range []string{
		"SELECT tenant, incarnation FROM lives WHERE swept = 0 AND deleted_at IS NOT NULL AND deleted_at < ? LIMIT 1",
		`SELECT l.tenant, l.incarnation FROM conversations c INDEXED BY conversations_deleted JOIN lives l ON l.id = c.life
			WHERE c.deleted_at IS NOT NULL AND c.deleted_at < ? LIMIT 1`,
	} {
		found, err = tx.get([]any{&call.Tenant, &call.Incarnation}, query, cut)
		if found || err != nil {
			return call, found, err
		}
	}
	return call, false, nil
}

// empty moves the write-ahead log into the database and cuts it. Readers may be in
// the way for a moment.
func (j *janitor) empty(ctx context.Context) {
	for range scrubTries {
		select {
		case <-ctx.Done():
			return
		case <-time.After(scrubAfter):
		}
		var inTheWay int
		err := j.store.writer.apart(ctx, func(w *session) error {
			_, err := w.get([]any{&inTheWay, new(int), new(int)}, "PRAGMA wal_checkpoint(TRUNCATE)")
			return err
		})
		if err == nil && inTheWay == 0 {
			return
		}
	}
	j.store.log.Warn("deleted texts are still in the write-ahead log: some program reads the database all the time", "path", j.store.path)
}

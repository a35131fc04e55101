package sqlitestore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
)

const (
	finishEvery    = time.Hour
	abandonedAfter = time.Hour // age at which the janitor finishes a deletion
	scrubAfter     = time.Second
	scrubTries     = 30
)

// janitor is the background goroutine of a Store. It finishes deletions that were not completed,
// and removes deleted text from the write-ahead log.
type janitor struct {
	store  *Store
	stop   context.CancelFunc
	ended  chan struct{}
	scrubs chan struct{} // has a buffer of one
}

func newJanitor(s *Store) *janitor {
	ctx, stop := context.WithCancel(context.Background())
	j := &janitor{store: s, stop: stop, ended: make(chan struct{}), scrubs: make(chan struct{}, 1)}
	go j.run(ctx)
	return j
}

func (j *janitor) close() {
	j.stop()
	<-j.ended
}

// scrubWAL requests that the janitor empties the write-ahead log soon. Until then the log may
// contain deleted text. scrubWAL does not block.
func (j *janitor) scrubWAL() {
	select {
	case j.scrubs <- struct{}{}:
	default:
	}
}

func (j *janitor) run(ctx context.Context) {
	defer close(j.ended)
	tick := time.NewTicker(finishEvery)
	defer tick.Stop()
	for {
		if err := j.finishDeletions(ctx); err != nil && ctx.Err() == nil {
			j.store.log.Warn("what deletions left over is still there", "path", j.store.path, "error", err)
		}
		for again := false; !again; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				again = true
			case <-j.scrubs:
				j.truncateWAL(ctx)
			}
		}
	}
}

// finishDeletions finishes deletions that began more than abandonedAfter ago. It leaves newer
// deletions to their callers, because a caller gets the number of rows that its own calls have
// deleted.
func (j *janitor) finishDeletions(ctx context.Context) error {
	s := j.store
	// Without this check the janitor would create an empty database.
	if isMissing(s.path) {
		return nil
	}
	cut := s.now().Add(-abandonedAfter).UnixNano()
	for {
		r := unlinked{before: cut}
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
		j.scrubWAL()
	}
}

// abandoned returns an incarnation of a tenant with conversations that were unlinked before the
// time cut. The unit of cut is nanoseconds since 1970.
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

// truncateWAL copies the write-ahead log into the database and truncates the log. It tries this
// every scrubAfter, up to scrubTries times, until no reader prevents it.
func (j *janitor) truncateWAL(ctx context.Context) {
	for range scrubTries {
		select {
		case <-ctx.Done():
			return
		case <-time.After(scrubAfter):
		}
		var inTheWay int
		err := j.store.writer.outside(ctx, func(w *session) error {
			_, err := w.get([]any{&inTheWay, new(int), new(int)}, "PRAGMA wal_checkpoint(TRUNCATE)")
			return err
		})
		if err == nil && inTheWay == 0 {
			return
		}
	}
	j.store.log.Warn("deleted texts are still in the write-ahead log: some program reads the database all the time", "path", j.store.path)
}

package bot

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// How long to wait between two tries to end a turn that nobody waits for any more. Its
// conversation is busy until it has ended: that must be soon after the storage is back.
const (
	leftoverMin = time.Second
	leftoverMax = 3 * time.Second
)

// lasting is a storage that can be used when the bot has been given back.
type lasting interface {
	// Later runs f in the background; the storage stays for it until it returns. ctx
	// ends with the host, which waits for f. False: it does not run.
	Later(f func(ctx context.Context, s storage.Storage)) bool
}

// leftover is a turn that may be running in the storage though it ended for its
// caller: an end of it went unanswered for too long. Its lease is not renewed, and runs
// out; that the conversation is free before that, and that no other host has to find
// out, it is ended in the background, as soon as the storage answers.
type leftover struct {
	begin  *storage.BeginRequest // to be repeated for the fence, if that is not known
	commit storage.CommitRequest
}

// size is about what it holds in memory.
func (l *leftover) size() int {
	n := len(l.commit.Record) + len(l.commit.Reason)
	if l.begin != nil {
		n += l.begin.Message.Size() + len(l.begin.Metadata)
	}
	for _, m := range l.commit.Messages {
		n += m.Size()
	}
	return n
}

// leave sees to the end of what is left, unless the storage cannot be used later.
func (t *turn) leave(l leftover) {
	log := t.bot.Log.With("tenant", t.bot.Tenant, "conversation", t.req.ConversationID)
	s, ok := t.bot.Storage.(lasting)
	if ok {
		release, room := t.bot.Orphans.take(t.bot.Tenant, l.size())
		if !room {
			// What nobody was told of need not be kept either.
			l.commit.Messages = nil
			release, room = t.bot.Orphans.take(t.bot.Tenant, l.size())
		}
		if room {
			if s.Later(func(ctx context.Context, s storage.Storage) {
				defer release()
				ctx, cancel := context.WithTimeout(ctx, bounds.OrphanTimeout)
				defer cancel()
				if err := l.end(ctx, s); err != nil {
					log.Warn("a turn that the storage may have begun could not be ended", "error", err)
				}
			}) {
				log.Warn("a turn may have begun in a storage that does not answer; it is ended when that does")
				return
			}
			release()
		}
	}
	log.Warn("a turn may have begun in a storage that does not answer, and holds its conversation until its lease has run out")
}

// end repeats the Begin, with its attempt, until it is answered. A turn that is
// started by that is committed as interrupted; any other answer says that there is
// none. The error is why neither could be.
func (l *leftover) end(ctx context.Context, s storage.Storage) error {
	if l.begin != nil {
		var started *storage.Started
		if err := persist(ctx, func() error {
			r, err := s.Begin(ctx, l.begin)
			if err != nil {
				return err
			}
			if err := heard(r); err != nil {
				return err
			}
			started = r.Started
			return nil
		}, func(err error) bool { return uncertain(err) || fault.Is(err, fault.RateLimited) }); fault.Is(err, fault.NotFound) || err == nil && started == nil {
			return nil // there is none
		} else if err != nil {
			return err
		}
		l.commit.Fence = started.Fence
	}
	e := commit(&l.commit, func(req *storage.CommitRequest) (number int64, err error) {
		err = persist(ctx, func() error { number, err = s.Commit(ctx, req); return err }, passing)
		return number, err
	})
	if e.open == nil {
		return nil
	}
	return e.last
}

// persist calls f until it answers, or with an error after which one does not come
// again, or ctx ends.
func persist(ctx context.Context, f func() error, again func(error) bool) error {
	for wait := leftoverMin; ; wait = min(2*wait, leftoverMax) {
		if err := sleep(ctx, jitter(wait/2, wait)); err != nil {
			return err
		}
		err := f()
		if err == nil || ctx.Err() != nil || !again(err) {
			return err
		}
	}
}

package bot

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// lasting is a storage that can still be used after the bot has been released.
type lasting interface {
	// RunInBackground runs f in the background. The storage passed to f stays open until f
	// returns. ctx ends when the host closes, and the host waits for f. RunInBackground returns
	// false, and does not run f, if too much runs in the background already.
	RunInBackground(f func(ctx context.Context, s storage.Storage)) bool
}

// orphanTurn is a turn that has ended for its caller and may still be open in the storage:
// its Begin or its Commit was not answered. Its lease is not renewed any more, so its
// conversation is free when the lease has run out. To free it earlier, the host ends the
// turn in the background, as soon as the storage answers.
type orphanTurn struct {
	// begin is repeated to learn the turn's fence. It is nil if the fence is known.
	begin  *storage.BeginRequest
	commit storage.CommitRequest
}

// size returns about how many bytes the orphan holds in memory.
func (o *orphanTurn) size() int {
	n := len(o.commit.Record) + len(o.commit.Reason)
	if o.begin != nil {
		n += o.begin.Message.Size() + len(o.begin.Metadata)
	}
	for _, m := range o.commit.Messages {
		n += m.Size()
	}
	return n
}

// endLater ends the orphan in the background. If the cap of orphans is reached, or the
// storage cannot be used in the background, nothing ends the orphan before its lease runs
// out.
func (t *turn) endLater(o orphanTurn) {
	log := t.bot.Log.With("tenant", t.bot.Tenant, "conversation", t.req.ConversationID)
	s, ok := t.bot.Storage.(lasting)
	if ok {
		release, reserved := t.bot.Orphans.reserve(t.bot.Tenant, o.size())
		if !reserved {
			// The caller was not told of the reply, so the turn may end without it.
			o.commit.Messages = nil
			release, reserved = t.bot.Orphans.reserve(t.bot.Tenant, o.size())
		}
		if reserved {
			if s.RunInBackground(func(ctx context.Context, s storage.Storage) {
				defer release()
				ctx, cancel := context.WithTimeout(ctx, bounds.OrphanTimeout)
				defer cancel()
				if err := o.end(ctx, s); err != nil {
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

// end ends the orphan in the storage. If the fence is not known, end repeats Begin with the
// same attempt until the storage answers. If Begin then returns no started turn, there is
// nothing to end. The error says why the turn may still be open.
func (o *orphanTurn) end(ctx context.Context, s storage.Storage) error {
	if o.begin != nil {
		started, err := o.repeatBegin(ctx, s)
		if err != nil {
			return err
		}
		if started == nil {
			return nil
		}
		o.commit.Fence = started.Fence
	}
	result := commitOrReduce(&o.commit, func(req *storage.CommitRequest) (number int64, err error) {
		err = retryUntilDone(ctx, func() error { number, err = s.Commit(ctx, req); return err }, isPassing)
		return number, err
	})
	if result.open == nil {
		return nil
	}
	return result.openErr
}

// repeatBegin returns the turn that Begin has started; nil if it has started none.
func (o *orphanTurn) repeatBegin(ctx context.Context, s storage.Storage) (*storage.Started, error) {
	var started *storage.Started
	err := retryUntilDone(ctx, func() error {
		r, err := s.Begin(ctx, o.begin)
		if err != nil {
			return err
		}
		if err := checkBeginResult(r); err != nil {
			return err
		}
		started = r.Started
		return nil
	}, func(err error) bool { return isUncertain(err) || fault.Is(err, fault.RateLimited) })
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return started, err
}

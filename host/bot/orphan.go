package bot

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// lasting is a storage that can still be used after the host has released the bot.
type lasting interface {
	// RunInBackground calls f in a goroutine of the host and returns true. The storage that f
	// gets stays open until f returns. f's ctx ends when the host closes, and the host waits
	// for f. If too many functions run in the background already, RunInBackground returns false
	// and does not call f.
	RunInBackground(f func(ctx context.Context, s storage.Storage)) bool
}

// orphanTurn is a turn that has ended for its caller but may still be open in the storage,
// because the storage did not answer the turn's Begin or Commit. The host no longer renews the
// turn's lease, so the conversation becomes free when the lease expires. To free the
// conversation earlier, the host ends the turn in the background as soon as the storage
// answers.
type orphanTurn struct {
	// begin is the request to repeat to learn the turn's fence. It is nil if the fence is
	// known.
	begin  *storage.BeginRequest
	commit storage.CommitRequest
}

// size returns approximately how many bytes of memory the orphan holds.
func (o *orphanTurn) size() int {
	n := len(o.commit.Record) + len(o.commit.Reason)
	if o.begin != nil {
		n += storage.Size(o.begin.Messages) + len(o.begin.Metadata)
	}
	for _, m := range o.commit.Messages {
		n += m.Size()
	}
	return n
}

// endLater ends the orphan in the background. If the OrphanCap is reached, or the storage
// cannot be used in the background, the turn stays open until its lease expires.
func (t *turn) endLater(o orphanTurn) {
	log := t.bot.Log.With("tenant", t.bot.Tenant, "conversation", t.req.ConversationID)
	s, ok := t.bot.Storage.(lasting)
	if ok {
		release, reserved := t.bot.Orphans.reserve(t.bot.Tenant, o.size())
		if !reserved {
			// The caller did not get the reply, so the turn may end without the messages of the
			// reply.
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

// end ends the orphan in the storage. If the fence is unknown, end repeats Begin with the same
// attempt until the storage answers. If the storage has not started the turn, end has nothing
// to do. If end returns an error, the turn may still be open.
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

// repeatBegin returns the turn that the storage has started for the orphan. It returns nil if
// the storage has not started the turn.
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

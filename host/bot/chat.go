package bot

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Chat runs one turn. It calls emit with each piece of the reply's text as soon as the piece
// arrives. emit may be nil. The turn is interrupted if emit returns an error, or if ctx ends.
//
// If Chat returns no error, the turn is committed. Otherwise a turn that has begun has ended as
// failed or interrupted, even if emit panics, and its conversation is free. If the storage
// refuses every Commit of the turn, the conversation becomes free when the turn's lease
// expires.
//
// Errors are of package fault: Invalid for a bad request, NotFound for a conversation of
// another user, Conflict for a busy conversation, RateLimited for a tenant at one of its
// limits, Deadline for a turn that takes too long and for a provider that is silent for too
// long. Errors of plugins keep their class.
func (b *Bot) Chat(ctx context.Context, req Request, emit func(text string) error) (reply *Reply, err error) {
	t := newTurn(b, req, emit)
	defer func() { t.notifyObserver(reply, err) }()
	if err := t.check(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.Limits.TurnTimeout, turnTimeoutError(b.Limits.TurnTimeout))
	defer cancel()
	b.Observer.AddWaitingTurns(1)
	release, err := b.Admission.admit(ctx, b.queueKey(req.ConversationID, req.UserID), req.IdempotencyKey, b.Limits)
	b.Observer.AddWaitingTurns(-1)
	if err != nil {
		return nil, preferCause(ctx, err)
	}
	defer release()
	b.Observer.AddRunningTurns(1)
	defer b.Observer.AddRunningTurns(-1)
	releaseLease := b.Hold(t.holder)
	defer releaseLease()
	t.record.WaitMS = t.lap()
	return t.run(ctx)
}

// turnTimeoutError is the cause with which the context of a turn ends that took longer than the given
// time. Its text is made only if it is needed.
type turnTimeoutError time.Duration

func (e turnTimeoutError) Error() string { return e.Unwrap().Error() }
func (e turnTimeoutError) Unwrap() error {
	return fault.New(fault.Deadline, "the turn took longer than %s", time.Duration(e))
}

// preferCause returns the cause of ctx's end if ctx has ended and err has the class
// fault.Canceled or fault.Deadline. Otherwise it returns err. The result is always a
// *fault.Error.
func preferCause(ctx context.Context, err error) error {
	if ctx.Err() != nil && (fault.Is(err, fault.Canceled) || fault.Is(err, fault.Deadline)) {
		return fault.Of(context.Cause(ctx))
	}
	return fault.Of(err)
}

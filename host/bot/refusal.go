package bot

import (
	"context"
	"math"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

// check returns an error if the request can be no turn of any tenant. If only what applies now refuses it,
// the tenant's settings or its plugins, check returns nil and sets refusal: an earlier turn with the same
// idempotency key may have succeeded before that applied, and its repetition gets its reply.
func (t *turn) check(ctx context.Context) error {
	err := t.req.check(t.bot.Limits.MessageBytes)
	if err != nil {
		if always := t.req.check(math.MaxInt); always != nil {
			return always
		}
	} else if err = t.checkSupport(ctx); err == nil {
		err = t.choosePrompt()
	}
	if err != nil && !t.mayReplay() {
		return err
	}
	t.refusal = err
	return nil
}

// mayReplay reports whether the storage can be asked for an earlier turn with the request's idempotency
// key without beginning another one.
func (t *turn) mayReplay() bool {
	return t.req.IdempotencyKey != "" && hasFeature(t.bot.Storage, feature.Retract)
}

// noTurnNumber is the number of no turn.
const noTurnNumber = math.MaxInt64

// replayOnly returns the reply of the turn that has succeeded with the request's idempotency key, or
// refusal if there is none. It begins nothing: its Begin retracts from the number of no turn, which a
// storage refuses after it has looked for the key.
func (t *turn) replayOnly(ctx context.Context, req *storage.BeginRequest) (*Reply, error) {
	req.RetractFrom, req.CursorKey, req.Tail = noTurnNumber, "", 1
	var r *storage.BeginResult
	err := retry(context.WithoutCancel(ctx), func(ctx context.Context) (err error) {
		if r, err = t.bot.Storage.Begin(ctx, req); err == nil {
			err = checkBeginResult(r)
		}
		return err
	}, isUncertain)
	switch {
	case err != nil && fault.Is(err, fault.Conflict) && fault.Of(err).Path.String() == "retract_from":
		return nil, t.refusal
	case err != nil:
		return nil, hideOwner(t.req.ConversationID, fault.Of(err))
	case r.Replay != nil:
		return t.replay(r.Replay)
	case r.Started != nil:
		return nil, storageBroken("began a turn that retracts from the number of no turn")
	case r.Busy != nil && r.Busy.SameKey:
		return nil, errSameKey()
	}
	return nil, t.refusal // the key is of another request, or no turn with it has succeeded
}

package bot

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// pollMin and pollMax bound the pause between two Begin calls of a turn whose conversation is
// busy with a turn of another host.
const (
	pollMin = 25 * time.Millisecond
	pollMax = 250 * time.Millisecond
)

// begin calls the storage's Begin, which starts the turn and reserves the conversation for it.
// While a turn of another host has the conversation, begin waits for up to
// Limits.ConversationWait. begin returns the started turn. If a turn with the same idempotency
// key has already succeeded, begin returns the reply of that turn instead. It starts no turn that has a
// refusal.
func (t *turn) begin(ctx context.Context) (*storage.Started, *Reply, error) {
	b := t.bot
	req := &storage.BeginRequest{
		Call: t.call(), Messages: storage.EncodeMessages(t.messages...), Metadata: t.req.Metadata,
		Tail: max(b.needs.Tail, 1), Holder: t.holder, Lease: Lease, Key: t.req.IdempotencyKey, Attempt: t.attempt,
		TailBytes: b.freeTailBytes(), Owned: b.restricted(t.req.UserID), RetractFrom: t.req.RetractFrom,
	}
	if b.Follow != nil {
		req.CursorKey = b.Follow.StoreKey
	}
	if req.Key != "" {
		req.Digest = t.req.digest()
	}
	if t.refusal != nil {
		reply, err := t.replayOnly(ctx, req)
		return nil, reply, err
	}
	giveUp := time.Now().Add(b.Limits.ConversationWait)
	for {
		r, err := t.beginOnce(ctx, req)
		switch {
		case err != nil:
			return nil, nil, hideOwner(t.req.ConversationID, t.toldRetraction(fault.Of(err)))
		case r.Started != nil:
			started, err := t.wholeTail(ctx, req, r.Started)
			t.tailErr = err // generate returns tailErr, and commit then ends the started turn
			return started, nil, nil
		case r.Replay != nil:
			reply, err := t.replay(r.Replay)
			return nil, reply, err
		case r.KeyReused:
			return nil, nil, fault.New(fault.Invalid, "was used with another request in this conversation").At("Idempotency-Key")
		case r.Busy.SameKey:
			return nil, nil, errSameKey()
		}
		if time.Now().After(giveUp) {
			return nil, nil, errBusy(b.Limits.ConversationWait)
		}
		if err := sleep(ctx, jitter(pollMin, pollMax)); err != nil {
			return nil, nil, preferCause(ctx, err)
		}
	}
}

// toldRetraction returns the error of a Begin. If the storage refused RetractFrom, the error says so
// in words for callers.
func (t *turn) toldRetraction(err *fault.Error) error {
	if t.req.RetractFrom == 0 || err.Path.String() != "retract_from" {
		return err
	}
	switch err.Class {
	case fault.Invalid:
		return fault.New(fault.Invalid, "is %d, which takes back more than %d turns; expected a greater number, or a branch of the conversation", t.req.RetractFrom, sdk.MaxRetractTurns).At("retract_from")
	case fault.Conflict:
	default:
		return err
	}
	told := fault.New(fault.Conflict, "is %d, and the conversation has no turn of that number, or has it retracted already", t.req.RetractFrom).At("retract_from")
	told.Retryable = false
	return told
}

// beginOnce asks the storage to start the turn. If the storage's answer does not arrive,
// beginOnce repeats the call with the same attempt, by which the storage recognizes a turn that
// it has already started. beginOnce continues after the end of ctx, because the storage may
// have started the turn before the client left, and a started turn must be ended as
// interrupted.
//
// If the answer never arrives, or the error does not say whether the turn started, the turn
// becomes an orphan, and the host ends it in the background. If the storage refuses the first
// call with a RetryAfter, the storage has started nothing, and beginOnce does not repeat the
// call.
func (t *turn) beginOnce(ctx context.Context, req *storage.BeginRequest) (r *storage.BeginResult, err error) {
	var refusal error
	mayHaveStarted := false
	err = retry(context.WithoutCancel(ctx), func(ctx context.Context) error {
		if r, err = t.bot.Storage.Begin(ctx, req); err == nil {
			err = checkBeginResult(r)
		}
		if e := fault.Of(err); e != nil && e.Class == fault.ProviderFailed && e.RetryAfter > 0 && !mayHaveStarted {
			refusal = err
			return nil
		}
		mayHaveStarted = mayHaveStarted || err != nil && (isUncertain(err) || isSilentOnEffect(err))
		return err
	}, isUncertain)
	if refusal != nil {
		return nil, refusal
	}
	if err != nil && mayHaveStarted {
		t.record.Failure = newFailure(err)
		t.endLater(orphanTurn{begin: req, commit: storage.CommitRequest{
			Call: req.Call, State: storage.Interrupted, Record: t.record.json(),
			Reason: unansweredReason("began", err),
		}})
	}
	return r, err
}

// checkBeginResult returns an error if the result of a storage's Begin breaks the protocol.
func checkBeginResult(r *storage.BeginResult) error {
	outcomes := 0
	if r != nil {
		for _, is := range []bool{r.Started != nil, r.Replay != nil, r.Busy != nil, r.KeyReused} {
			if is {
				outcomes++
			}
		}
	}
	switch {
	case outcomes != 1:
		return storageBroken("answered Begin with %d outcomes, and not with one", outcomes)
	case r.Started != nil && r.Started.Fence == "":
		return storageBroken("began a turn without a fence")
	case r.Replay != nil && (r.Replay.State != storage.Succeeded || r.Replay.Number < 1):
		return storageBroken("replayed a turn that did not succeed")
	}
	return nil
}

// unansweredReason returns the reason to store for a turn whose Begin or Commit the storage did
// not answer. what completes the sentence "the storage did not answer that the turn ...". It is
// "began" or "was kept".
func unansweredReason(what string, err error) string {
	e := fault.Of(err)
	return turnReason(e.Class, "the storage did not answer that the turn "+what+": "+e.ForCallers())
}

// replay returns the Reply of a turn that succeeded earlier.
func (t *turn) replay(stored *storage.Turn) (*Reply, error) {
	done, err := decodeTurn(stored)
	if err != nil {
		return nil, err
	}
	r := &Reply{
		ConversationID: t.req.ConversationID, Turn: done.Number, Usage: done.Usage,
		Tenant: t.bot.Tenant, Replayed: true,
	}
	readRecord(done.Record).fill(r)
	for _, m := range done.Messages {
		if m.Role == chat.Assistant {
			r.Text += chat.Clean(m.Text())
			r.ToolCalls = toolCallsOf(m.Parts)
		}
	}
	return r, nil
}

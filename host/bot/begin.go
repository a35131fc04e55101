package bot

import (
	"context"
	mathrand "math/rand/v2"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// How the two ends of a turn deal with a storage that is busy or does not answer.
const (
	// Lease is how long a conversation stays taken by a host that stopped renewing.
	Lease = 10 * time.Second

	pollMin = 25 * time.Millisecond // between two looks at a busy conversation
	pollMax = 250 * time.Millisecond

	// An uncertain Begin or Commit is repeated for so long. It covers the restart of
	// a storage plugin and a short loss of its database.
	repeatFor = 15 * time.Second
	repeatMin = 50 * time.Millisecond
	repeatMax = time.Second
)

// begin takes the conversation. It answers the started turn, or the reply of a turn
// that had succeeded under the same idempotency key.
func (t *turn) begin(ctx context.Context) (*storage.Started, *Reply, error) {
	b := t.bot
	req := &storage.BeginRequest{
		Call: t.call(), Message: chat.Text(chat.User, t.req.Message), Metadata: t.req.Metadata,
		Tail: b.needs.Tail, Holder: t.holder, Lease: Lease, Key: t.req.IdempotencyKey, Attempt: t.attempt,
		TailBytes: b.firstTail(), Owned: b.restricted(t.req.UserID),
	}
	if req.Key != "" {
		req.Digest = t.req.digest()
	}
	giveUp := time.Now().Add(b.Limits.ConversationWait)
	for {
		r, err := t.beginOnce(ctx, req)
		switch {
		case err != nil:
			return nil, nil, hideOwner(t.req.ConversationID, fault.Of(err))
		case r.Started != nil:
			started, err := t.wholeTail(ctx, req, r.Started)
			t.denied = err // the turn has begun, and has to end
			return started, nil, nil
		case r.Replay != nil:
			return nil, t.replay(r.Replay), nil
		case r.KeyReused:
			return nil, nil, fault.New(fault.Invalid, "was used with another request in this conversation").At("Idempotency-Key")
		case r.Busy.SameKey:
			return nil, nil, errSameKey()
		}
		if time.Now().After(giveUp) {
			return nil, nil, errBusy(b.Limits.ConversationWait)
		}
		if err := sleep(ctx, jitter(pollMin, pollMax)); err != nil {
			return nil, nil, cause(ctx, err)
		}
	}
}

// beginOnce repeats a Begin whose answer did not arrive, with the same attempt, so
// that a turn that started unheard is taken up and not left to hold the
// conversation. It does not heed the end of ctx for the same reason: a client that
// leaves now leaves a turn that must be interrupted. What is given up is a leftover, and
// so is what was answered with nonsense or with an error that says nothing about it. A
// storage that says at once when to come again has started nothing, and is believed.
func (t *turn) beginOnce(ctx context.Context, req *storage.BeginRequest) (r *storage.BeginResult, err error) {
	var refused error
	unheard := false
	err = repeat(context.WithoutCancel(ctx), func(ctx context.Context) error {
		if r, err = t.bot.Storage.Begin(ctx, req); err == nil {
			err = heard(r)
		}
		if e := fault.Of(err); e != nil && e.Class == fault.ProviderFailed && e.RetryAfter > 0 && !unheard {
			refused = err
			return nil
		}
		unheard = unheard || err != nil && (uncertain(err) || silentOnEffect(err))
		return err
	}, uncertain)
	if refused != nil {
		return nil, refused
	}
	if err != nil && unheard {
		t.record.Failure = newFailure(err)
		t.leave(leftover{begin: req, commit: storage.CommitRequest{
			Call: req.Call, State: storage.Interrupted, Record: t.record.json(),
			Reason: unheardReason("began", err),
		}})
	}
	return r, err
}

func unheardReason(what string, err error) string {
	e := fault.Of(err)
	return reason(e.Class, "the storage did not answer that the turn "+what+": "+e.ForCallers())
}

func (t *turn) replay(done *storage.Turn) *Reply {
	r := &Reply{
		ConversationID: t.req.ConversationID, Turn: done.Number, Usage: done.Usage,
		Tenant: t.bot.Tenant, Replayed: true,
	}
	readRecord(done.Record).tell(r)
	for _, m := range done.Messages {
		if m.Role == chat.Assistant {
			r.Text += chat.Clean(m.Text())
		}
	}
	return r
}

// repeat calls f until it answers, or with an error after which one does not come again.
func repeat(ctx context.Context, f func(context.Context) error, again func(error) bool) error {
	giveUp := time.Now().Add(repeatFor)
	for wait := repeatMin; ; wait = min(2*wait, repeatMax) {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if !again(err) || time.Now().Add(wait).After(giveUp) {
			return err
		}
		_ = sleep(ctx, jitter(wait/2, wait))
	}
}

// uncertain errors leave open whether the call had its effect, or come from a
// plugin that is on its way back.
func uncertain(err error) bool {
	switch e := fault.Of(err); e.Class {
	case fault.PluginUnavailable, fault.Deadline:
		return true
	case fault.ProviderFailed: // the database
		return e.Retryable
	default:
		return false
	}
}

// silentOnEffect errors do not say either whether the call had its effect, but to call
// again at once does not help: something broke on the way.
func silentOnEffect(err error) bool {
	switch fault.Of(err).Class {
	case fault.Internal, fault.Canceled:
		return true
	default:
		return false
	}
}

func jitter(least, most time.Duration) time.Duration {
	return least + mathrand.N(most-least+1)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

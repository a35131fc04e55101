package bot

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// HeldBytes bounds the memory that the turns of all tenants hold together. A turn needs no
// share for a tail of bounds.TailFree or a reply of bounds.ReplyFree; for more it takes a
// share of a pool, and releases it when it ends. A nil HeldBytes bounds nothing.
type HeldBytes struct {
	tails   *fairshare.Pool // earlier messages that models are shown
	replies *fairshare.Pool // replies that are not committed yet
}

// NewHeldBytes returns the pools of a host.
func NewHeldBytes() *HeldBytes {
	return &HeldBytes{
		tails: fairshare.NewPool("bytes of earlier messages that models are shown", func() fairshare.Bounds {
			return fairshare.Bounds{Each: bounds.TailsHeld, All: bounds.TailsHeld, WaitingEach: bounds.TailsWaitingEach, WaitingAll: bounds.TailsWaitingAll, Wait: bounds.TailsWait}
		}),
		replies: fairshare.NewPool("bytes of replies that are not kept yet", func() fairshare.Bounds {
			return fairshare.Bounds{Each: bounds.RepliesHeld, All: bounds.RepliesHeld}
		}),
	}
}

// freeTailBytes returns how many bytes of earlier messages a turn may read without a share.
func (b *Bot) freeTailBytes() int {
	if b.HeldBytes == nil {
		return sdk.MaxTailBytes
	}
	return bounds.TailFree
}

// wholeTail returns the started turn with the whole tail that the model may be shown. If
// Begin left out messages because of their bytes, wholeTail takes a share for the whole tail,
// and repeats Begin with the same attempt: the storage then returns the turn that it had
// started. If there is an error, the turn has begun nevertheless.
func (t *turn) wholeTail(ctx context.Context, req *storage.BeginRequest, started *storage.Started) (*storage.Started, error) {
	if !started.TailCut || req.TailBytes >= sdk.MaxTailBytes {
		return started, nil
	}
	share, err := t.bot.HeldBytes.tails.Acquire(ctx, t.bot.Tenant, sdk.MaxTailBytes)
	if err != nil {
		return started, err
	}
	t.tailShare = share
	repeated := *req
	repeated.TailBytes = sdk.MaxTailBytes
	r, err := t.beginOnce(ctx, &repeated)
	switch {
	case err != nil:
		return started, err
	case r.Started == nil || r.Started.Fence != started.Fence:
		return started, storageBroken("did not know the turn again that it had just begun")
	}
	share.Shrink(int64(chat.Size(r.Started.Tail)))
	return r.Started, nil
}

// holdReplyBytes counts bytes before they are added to the reply. Beyond bounds.ReplyFree it
// takes a share, and doubles the share as the reply grows, because the reply's buffer doubles
// too. The error is fault.RateLimited.
func (t *turn) holdReplyBytes(bytes int) error {
	t.replyBytes += int64(bytes)
	if t.bot.HeldBytes == nil || t.replyBytes <= bounds.ReplyFree {
		return nil
	}
	if t.replyShare == nil {
		share, err := t.bot.HeldBytes.replies.Acquire(context.Background(), t.bot.Tenant, 2*bounds.ReplyFree)
		if err != nil {
			return cutOff(err)
		}
		t.replyShare = share
	}
	for t.replyShare.Amount() < t.replyBytes {
		if err := t.replyShare.Grow(t.replyShare.Amount()); err != nil {
			return cutOff(err)
		}
	}
	return nil
}

// cutOff returns the error for a reply that is cut off because the pool has no share for its
// bytes.
func cutOff(err error) error {
	e := *fault.Of(err)
	e.Message = "the reply was cut off: " + e.Message
	return &e
}

// releaseShares returns all that the turn holds. It may be called for a turn that holds
// nothing.
func (t *turn) releaseShares() {
	t.tailShare.Release()
	t.replyShare.Release()
}

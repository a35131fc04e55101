package bot

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// HeldBytes bounds the memory that the tails and replies of running turns hold, over all
// tenants. Each turn may hold a tail of bounds.TailFree bytes and a reply of bounds.ReplyFree
// bytes without a share. For more bytes the turn takes a share of a pool, and releases the
// share when the turn ends. A nil HeldBytes bounds nothing.
type HeldBytes struct {
	tails   *fairshare.Pool // shares for earlier messages that models are shown
	replies *fairshare.Pool // shares for replies that are not committed yet
}

// NewHeldBytes returns a HeldBytes with the bounds of package bounds.
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

// freeTailBytes returns how many bytes of tail a turn may hold without a share of HeldBytes.
func (b *Bot) freeTailBytes() int {
	if b.HeldBytes == nil {
		return sdk.MaxTailBytes
	}
	return bounds.TailFree
}

// wholeTail returns the started turn with the whole tail that the model may be shown. If Begin
// left out messages because of their bytes, wholeTail takes a share of HeldBytes and calls
// Begin again with the same attempt, so that the storage returns the turn that it has already
// started. The turn has started even if wholeTail returns an error.
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
	share.Shrink(tailSize(r.Started.Tail))
	return r.Started, nil
}

// tailSize returns about how many bytes the turns of a tail hold.
func tailSize(tail []storage.Turn) (bytes int64) {
	for i := range tail {
		bytes += int64(tail[i].TailSize())
	}
	return bytes
}

// holdReplyBytes counts bytes before the turn adds them to the reply. For a reply beyond
// bounds.ReplyFree it takes a share of HeldBytes. It doubles the share as the reply grows,
// because the reply's buffer doubles too. The error is fault.RateLimited.
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

// cutOff returns the error of a reply that is cut off because HeldBytes has no share left for
// it. err is the error of the pool.
func cutOff(err error) error {
	e := *fault.Of(err)
	e.Message = "the reply was cut off: " + e.Message
	return &e
}

// releaseShares releases all shares of HeldBytes that the turn holds. It may be called if the
// turn holds none.
func (t *turn) releaseShares() {
	t.tailShare.Release()
	t.replyShare.Release()
}

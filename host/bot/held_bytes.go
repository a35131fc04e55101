package bot

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/quota"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// HeldBytes bound the bytes that the turns of all tenants together hold, beyond what each
// turn may have without asking. Nil bounds nothing.
type HeldBytes struct {
	tails   *quota.Pool // messages that models are shown
	replies *quota.Pool // what has come of replies
}

// NewHeldBytes makes those of a host.
func NewHeldBytes() *HeldBytes {
	return &HeldBytes{
		tails: quota.NewPool("bytes of earlier messages that models are shown", func() quota.Bounds {
			return quota.Bounds{Each: bounds.TailsHeld, All: bounds.TailsHeld, WaitingEach: bounds.TailsWaitingEach, WaitingAll: bounds.TailsWaitingAll, Wait: bounds.TailsWait}
		}),
		replies: quota.NewPool("bytes of replies that are not kept yet", func() quota.Bounds {
			return quota.Bounds{Each: bounds.RepliesHeld, All: bounds.RepliesHeld}
		}),
	}
}

// firstTail is how many bytes of earlier messages Begin is asked for at first.
func (b *Bot) firstTail() int {
	if b.HeldBytes == nil {
		return sdk.MaxTailBytes
	}
	return bounds.TailFree
}

// wholeTail gives the turn that has started with all that the model may be shown, when
// Begin left out messages for their bytes. A Begin that is repeated with the same attempt
// answers the turn that it started.
func (t *turn) wholeTail(ctx context.Context, req *storage.BeginRequest, started *storage.Started) (*storage.Started, error) {
	if !started.TailCut || req.TailBytes >= sdk.MaxTailBytes {
		return started, nil
	}
	share, err := t.bot.HeldBytes.tails.Take(ctx, t.bot.Tenant, sdk.MaxTailBytes)
	if err != nil {
		return started, err
	}
	t.tailShare = share
	again := *req
	again.TailBytes = sdk.MaxTailBytes
	r, err := t.beginOnce(ctx, &again)
	switch {
	case err != nil:
		return started, err
	case r.Started == nil || r.Started.Fence != started.Fence:
		return started, nonsense("did not know the turn again that it had just begun")
	}
	share.Shrink(int64(chat.Size(r.Started.Tail)))
	return r.Started, nil
}

// hold counts bytes of the reply before they are kept.
func (t *turn) hold(bytes int) error {
	t.held += int64(bytes)
	if t.bot.HeldBytes == nil || t.held <= bounds.ReplyFree {
		return nil
	}
	if t.replyShare == nil {
		share, err := t.bot.HeldBytes.replies.Take(context.Background(), t.bot.Tenant, 2*bounds.ReplyFree)
		if err != nil {
			return tooManyReplies(err)
		}
		t.replyShare = share
	}
	for t.replyShare.Amount() < t.held { // by as much as it has: so grows what it is kept in
		if err := t.replyShare.Grow(t.replyShare.Amount()); err != nil {
			return tooManyReplies(err)
		}
	}
	return nil
}

func tooManyReplies(err error) error {
	e := *fault.Of(err)
	e.Message = "the reply was cut off: " + e.Message
	return &e
}

// release gives back what the turn holds.
func (t *turn) release() {
	t.tailShare.Release()
	t.replyShare.Release()
}

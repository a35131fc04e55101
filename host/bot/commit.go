package bot

import (
	"context"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// commit ends the turn in the storage, whatever became of it, and answers its
// reply, or why there is none. It does not heed the end of ctx.
func (t *turn) commit(ctx context.Context, fence string, finish *llm.Finish, failure error) (*Reply, error) {
	state, why := outcome(ctx, failure)
	t.record.Failure = newFailure(failure)
	usage := t.spent
	if finish != nil {
		usage = finish.Usage
	}
	usage = sum(usage, t.lost)
	number, err := t.end(t.ending(fence, state, why, usage, t.reply(finish)))
	if failure != nil {
		if err != nil {
			t.bot.Log.Warn("a failed turn could not be recorded", "tenant", t.bot.Tenant, "error", err, "turn_error", failure)
		}
		return nil, failure
	}
	if err != nil {
		t.bot.Log.Warn("a reply was not kept", "tenant", t.bot.Tenant, "conversation", t.req.ConversationID, "error", err)
		return nil, uncommitted(err)
	}
	reply := &Reply{
		ConversationID: t.req.ConversationID, Turn: number, Text: t.text.String(), Usage: usage, Tenant: t.bot.Tenant,
	}
	t.record.tell(reply)
	return reply, nil
}

// abandon ends a turn in whose middle something panicked or ended the goroutine.
func (t *turn) abandon(fence string) {
	state, why := storage.Failed, reason(fault.Internal, "the host failed while the turn ran")
	t.record.Failure = &Failure{}
	if t.emitting {
		state, why = storage.Interrupted, reason(fault.Canceled, "the caller broke off while it was given the reply")
	}
	if _, err := t.end(t.ending(fence, state, why, sum(t.spent, t.lost), t.reply(nil))); err != nil {
		t.bot.Log.Warn("a turn that broke off could not be recorded", "tenant", t.bot.Tenant, "conversation", t.req.ConversationID, "error", err)
	}
}

// ending is the request that ends the turn. One that did not succeed need not have a reply.
func (t *turn) ending(fence string, state storage.State, why string, usage chat.Usage, reply []chat.Message) *storage.CommitRequest {
	t.state, t.used = state, usage
	req := &storage.CommitRequest{Call: t.call(), Fence: fence, State: state, Reason: why, Usage: usage, Record: t.record.json()}
	if state == storage.Succeeded || t.text.Len() > 0 || len(t.parts) > 0 {
		req.Messages = reply
	}
	return req
}

// end commits the turn and answers its number, or why the storage did not take it as it
// is. What is not answered is left to the background.
func (t *turn) end(req *storage.CommitRequest) (int64, error) {
	e := commit(req, func(req *storage.CommitRequest) (number int64, err error) {
		err = repeat(context.Background(), func(ctx context.Context) error {
			number, err = t.bot.Storage.Commit(ctx, req)
			return err
		}, passing)
		return number, err
	})
	switch {
	case e.open == nil:
	case !passing(e.last):
		t.bot.Log.Error("the storage refuses every end of a turn; its conversation is free when the lease has run out",
			"tenant", t.bot.Tenant, "conversation", t.req.ConversationID, "error", e.last)
	default:
		l := leftover{commit: *e.open}
		if e.open.State == storage.Succeeded { // the caller is told that it was not kept
			l.commit.State, l.commit.Reason = storage.Interrupted, unheardReason("was kept", e.last)
		}
		t.leave(l)
	}
	return e.number, e.err
}

// ended is what became of a turn that was to be committed.
type ended struct {
	number int64
	err    error                  // why it was not taken as it was
	open   *storage.CommitRequest // by which it did not end; nil when it has ended somehow
	last   error                  // the answer to that
}

// commit ends a turn by try. What the storage refuses it gets as failed, and with ever
// less in it, until it takes that: nothing that is in a turn holds its conversation.
func commit(req *storage.CommitRequest, try func(*storage.CommitRequest) (int64, error)) ended {
	number, err := tryCommit(req, try)
	if err != nil && silentOnEffect(err) {
		number, err = tryCommit(req, try) // if it was taken, that says so
	}
	e := ended{number: number, err: err, open: req, last: err}
	for _, less := range lesser(req, err) {
		if e.last == nil || over(e.last) || passing(e.last) {
			break
		}
		e.open = less
		_, e.last = tryCommit(less, try)
	}
	if e.last == nil || over(e.last) {
		e.open = nil
	}
	return e
}

func tryCommit(req *storage.CommitRequest, try func(*storage.CommitRequest) (int64, error)) (int64, error) {
	number, err := try(req)
	if err == nil && req.State == storage.Succeeded && number < 1 {
		err = nonsense("kept a turn and gave it the number %d", number)
	}
	return number, err
}

// lesser are the ends of a turn whose commit was refused: without its reply, and without
// all that was recorded of it.
func lesser(req *storage.CommitRequest, refusal error) []*storage.CommitRequest {
	if refusal == nil {
		return nil
	}
	class := fault.Internal
	state := req.State
	if state == storage.Succeeded {
		state = storage.Failed
	} else if name, _, ok := strings.Cut(req.Reason, ":"); ok {
		if c, ok := fault.ParseClass(name); ok {
			class = c
		}
	}
	why := reason(class, "the storage refused the turn as it was: "+fault.Of(refusal).Class.String())
	return []*storage.CommitRequest{
		{Call: req.Call, Fence: req.Fence, State: state, Reason: why, Usage: req.Usage, Record: req.Record},
		{Call: req.Call, Fence: req.Fence, State: state, Reason: why},
	}
}

// over says that the turn has ended otherwise, or is gone.
func over(err error) bool { return fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) }

// passing errors of a Commit go away by themselves.
func passing(err error) bool {
	if e := fault.Of(err); e.Class == fault.RateLimited {
		return e.RetryAfter > 0
	}
	return uncertain(err)
}

// uncommitted says that the reply was made and not kept. Whose fault that is follows from
// the table of package fault for what a storage answers.
func uncommitted(err error) error {
	e := fault.Of(err)
	const lost = "the reply was not kept: "
	as := func(class fault.Class, why string) *fault.Error {
		return fault.New(class, lost+why+": %w", err).Telling(lost+"%s", why).From(fault.OriginStorage)
	}
	switch {
	case over(err):
		return as(fault.Conflict, "the conversation was deleted, taken over by another host, or lost with its storage, while the turn ran").
			After(time.Second)
	case uncertain(err):
		out := *e
		out.Message, out.Told, out.Path, out.Err = lost+e.Message, lost+e.ForCallers(), "", err
		return &out
	case passing(err):
		return as(fault.ProviderFailed, "the storage takes no more for now").After(e.RetryAfter)
	case e.Class == fault.QuotaExhausted, e.Class == fault.Unauthenticated, e.Class == fault.Forbidden: // what the tenant has there
		return as(e.Class, "the storage refused it")
	}
	return as(fault.Internal, "the storage refused it")
}

package bot

import (
	"context"
	"errors"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// commit ends the turn in the storage. If failure is nil, the turn succeeds, and commit returns
// its reply, or an error if the storage did not store the reply. Otherwise the turn ends as
// failed or interrupted, and commit returns failure. commit continues after the end of ctx.
// finish may be nil.
func (t *turn) commit(ctx context.Context, fence string, finish *llm.Finish, failure error) (*Reply, error) {
	state, why := classifyEnd(ctx, failure)
	t.record.Failure = newFailure(failure)
	usage := t.usage
	if finish != nil {
		usage = finish.Usage
	}
	usage = usage.Add(t.lostUsage)
	messages := t.replyMessages()
	number, err := t.sendCommit(t.commitRequest(fence, state, why, usage, messages))
	if failure != nil {
		if err != nil {
			t.bot.Log.Warn("a failed turn could not be recorded", "tenant", t.bot.Tenant, "error", err, "turn_error", failure)
		}
		return nil, failure
	}
	if err != nil {
		t.bot.Log.Warn("a reply was not kept", "tenant", t.bot.Tenant, "conversation", t.req.ConversationID, "error", err)
		return nil, notKept(err)
	}
	reply := &Reply{
		ConversationID: t.req.ConversationID, Turn: number, Text: messages[0].Text(), ToolCalls: toolCallsOf(messages[0].Parts), Usage: usage, Tenant: t.bot.Tenant,
	}
	t.record.fill(reply)
	return reply, nil
}

// classifyEnd returns the state in which a turn ends after err, and the reason to store with
// the state. ctx is the turn's context. A nil err means that the turn succeeded.
func classifyEnd(ctx context.Context, err error) (storage.State, string) {
	if err == nil {
		return storage.Succeeded, ""
	}
	e := fault.Of(err)
	why := turnReason(e.Class, e.ForCallers())
	var gone *clientGoneError
	if errors.As(err, &gone) || errors.Is(ctx.Err(), context.Canceled) {
		return storage.Interrupted, why
	}
	return storage.Failed, why
}

// abandon ends a turn that a panic or runtime.Goexit breaks off.
func (t *turn) abandon(fence string) {
	state, why := storage.Failed, turnReason(fault.Internal, "the host failed while the turn ran")
	t.record.Failure = &Failure{}
	if t.emitting {
		state, why = storage.Interrupted, turnReason(fault.Canceled, "the caller broke off while it was given the reply")
	}
	if _, err := t.sendCommit(t.commitRequest(fence, state, why, t.usage.Add(t.lostUsage), t.replyMessages())); err != nil {
		t.bot.Log.Warn("a turn that broke off could not be recorded", "tenant", t.bot.Tenant, "conversation", t.req.ConversationID, "error", err)
	}
}

// commitRequest returns the request that ends the turn. The request of a failed or interrupted
// turn has messages only if a part of the reply had arrived.
func (t *turn) commitRequest(fence string, state storage.State, why string, usage chat.Usage, messages []chat.Message) *storage.CommitRequest {
	t.endState, t.endUsage = state, usage
	req := &storage.CommitRequest{Call: t.call(), Fence: fence, State: state, Reason: why, Usage: storage.EncodeUsage(usage), Record: t.record.json()}
	if state == storage.Succeeded || !t.reply.IsEmpty() {
		req.Messages = storage.EncodeMessages(messages...)
	}
	return req
}

// sendCommit sends the request that ends the turn, and repeats the call while isPassing reports
// true for its error. It returns the turn's number, or the error with which the storage refused
// the request. If the turn may still be open in the storage afterwards, the host ends it in the
// background.
func (t *turn) sendCommit(req *storage.CommitRequest) (int64, error) {
	result := commitOrReduce(req, func(req *storage.CommitRequest) (number int64, err error) {
		err = retry(context.Background(), func(ctx context.Context) error {
			number, err = t.bot.Storage.Commit(ctx, req)
			return err
		}, isPassing)
		return number, err
	})
	switch {
	case result.open == nil:
	case !isPassing(result.openErr):
		t.bot.Log.Error("the storage refuses every end of a turn; its conversation is free when the lease has run out",
			"tenant", t.bot.Tenant, "conversation", t.req.ConversationID, "error", result.openErr)
	default:
		orphan := orphanTurn{commit: *result.open}
		if orphan.commit.State == storage.Succeeded { // the caller gets the error that its reply was not kept
			orphan.commit.State, orphan.commit.Reason = storage.Interrupted, unansweredReason("was kept", result.openErr)
		}
		t.endLater(orphan)
	}
	return result.number, result.err
}

// commitResult says whether a turn was committed, and whether the turn may still be open in the
// storage.
type commitResult struct {
	number int64
	err    error // error of the first, unreduced request; nil if the storage accepted it
	// open is the last request that failed to end the turn, and openErr is its error. open is
	// nil if a request ended the turn, or if the turn had already ended.
	open    *storage.CommitRequest
	openErr error
}

// commitOrReduce ends a turn by calling send with the request. If the storage refuses the
// request, commitOrReduce sends the requests of reducedCommits one after another until the
// storage accepts one. So the conversation becomes free even if the storage cannot store the
// turn's messages.
func commitOrReduce(req *storage.CommitRequest, send func(*storage.CommitRequest) (int64, error)) commitResult {
	number, err := sendChecked(req, send)
	if err != nil && isSilentOnEffect(err) {
		number, err = sendChecked(req, send) // if the storage had accepted the first call, a repeated call has the same result
	}
	result := commitResult{number: number, err: err, open: req, openErr: err}
	for _, reduced := range reducedCommits(req, err) {
		if result.openErr == nil || isOver(result.openErr) || isPassing(result.openErr) {
			break
		}
		result.open = reduced
		_, result.openErr = sendChecked(reduced, send)
	}
	if result.openErr == nil || isOver(result.openErr) {
		result.open = nil
	}
	return result
}

// sendChecked calls send. It returns an error if the storage gave a succeeded turn no number.
func sendChecked(req *storage.CommitRequest, send func(*storage.CommitRequest) (int64, error)) (int64, error) {
	number, err := send(req)
	if err == nil && req.State == storage.Succeeded && number < 1 {
		err = storageBroken("kept a turn and gave it the number %d", number)
	}
	return number, err
}

// reducedCommits returns the requests to send in place of a request that the storage refused.
// The first has no messages. The second has no usage and no record either. If refusal is nil,
// reducedCommits returns nil.
func reducedCommits(req *storage.CommitRequest, refusal error) []*storage.CommitRequest {
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
	why := turnReason(class, "the storage refused the turn as it was: "+fault.Of(refusal).Class.String())
	return []*storage.CommitRequest{
		{Call: req.Call, Fence: req.Fence, State: state, Reason: why, Usage: req.Usage, Record: req.Record},
		{Call: req.Call, Fence: req.Fence, State: state, Reason: why},
	}
}

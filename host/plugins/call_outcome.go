package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
)

// deliver configures the instance in the process, if it is not configured there yet, waits
// until the process takes one more call, and sends the call. It records the call's ending in the worker's call log.
func (c *call) deliver(ctx context.Context, w *worker) (outcome, error) {
	in, end, entry := c.in, answered, w.calls.begin(c.opts.tenant)
	defer func() { w.calls.end(entry, end) }()
	st, err := w.configure(ctx, in, c.opts.tenant)
	if err != nil {
		if ctx.Err() == nil && mayBeConnectionLoss(err) && w.EndsSoon() {
			return neverSent, in.sup.unavailable("its process ended while it was configured (%s)", w.ExitStatus())
		}
		in.sup.noteFault(err)
		return settled, err
	}
	if c.opts.lasting && w.Info.MaxConcurrentCalls == 1 {
		return settled, fault.New(fault.Invalid, "the %s takes one call at once, and this one would not end", w.Binary.Ref).By(fault.PartyPlugin)
	}
	release, err := w.permit(ctx, in, c.opts.tenant)
	if err != nil {
		return settled, err
	}
	defer release()
	if in.needs.Load() != &st.needs { // stores would cost concurrent calls time
		in.needs.Store(&st.needs)
		in.traits.Store(&st.traits)
		in.capacity.Store(&st.capacity)
	}
	var delivery process.Delivery
	end = abandoned // the ending stays abandoned if send panics, because the plugin may still work on the call
	err = in.sup.fromPlugin(c.send(delivery.Observe(ctx), target{conn: w.conn(c.opts), id: st.id, permit: c.permit}), originOf(in.sup.ref.Kind))
	if err == nil {
		end = answered
		return settled, nil
	}
	awaitDeadline(ctx, err)
	result, how, err := c.judge(ctx, w, st, &delivery, err)
	end = how
	if result == settled {
		in.sup.noteFault(err)
	}
	return result, err
}

// judge decides what the error err of a call means. It returns whether the call is
// repeated, the ending for the call log, and the error for the caller.
func (c *call) judge(ctx context.Context, w *worker, st *setup, delivery *process.Delivery, err error) (outcome, ending, error) {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		w.RequestProbe()
		return settled, abandoned, c.deadlineError(err)
	// the caller canceled the call, but err looks like an error of the plugin
	case ctx.Err() != nil && fault.Is(err, fault.Canceled):
		return settled, abandoned, fault.Of(ctx.Err())
	case ctx.Err() != nil:
		return settled, abandoned, err
	case fault.Is(err, fault.UnknownInstance):
		w.forget(c.in, st)
		if c.isFinal() {
			return settled, answered, err
		}
		return unknownInstance, answered, fault.New(fault.PluginUnavailable, "the %s does not know the instance that it has just configured", w.Binary.Ref)
	case !mayBeConnectionLoss(err):
		if own := (*callerError)(nil); errors.As(err, &own) {
			return settled, abandoned, err
		}
		return settled, answered, err
	case !w.EndsSoon() && !w.IsStopping():
		return c.judgeConnectionLoss(w, delivery, err)
	}
	return c.judgeExit(w, delivery, err)
}

// judgeConnectionLoss is the part of judge for a call whose connection seems lost although
// the process still runs.
func (c *call) judgeConnectionLoss(w *worker, delivery *process.Delivery, err error) (outcome, ending, error) {
	w.RequestProbe()
	if !delivery.Reached() && !c.isFinal() {
		return neverSent, answered, err
	}
	if fault.Is(err, fault.Canceled) { // the caller did not cancel the call, so its error must not say canceled
		err = fault.New(fault.Internal, "the %s gave the call up: %w", w.Binary.Ref, err).By(fault.PartyPlugin)
	}
	return settled, abandoned, err
}

// judgeExit is the part of judge for a call whose process has ended or was asked to end.
func (c *call) judgeExit(w *worker, delivery *process.Delivery, err error) (outcome, ending, error) {
	gone := fault.New(fault.PluginUnavailable, "the %s %s (%s)", w.Binary.Ref, w.exitReason(), w.ExitStatus())
	gone.Err = err
	if !delivery.Reached() && !c.isFinal() {
		return neverSent, answered, gone
	}
	if w.calls.isOnly(c.opts.tenant) { // a repeated call may crash the process again, so the caller must wait
		_ = gone.After(time.Second)
	}
	return settled, cutOff, gone
}

// isFinal reports whether the caller has already seen a part of the result, so that the
// call must not be repeated.
func (c *call) isFinal() bool { return c.opts.final != nil && c.opts.final() }

// exitReason says, for messages, why a call on the process was cut off.
func (w *worker) exitReason() string {
	switch {
	case w.replaced.Load():
		return "was replaced by another version, and its old process ended during the call"
	case w.IsStopping():
		return "was stopped during the call"
	}
	return "failed: the plugin process ended during the call"
}

// deadlineError returns the error of a call that exceeded its deadline. err is the cause of
// the returned error.
func (c *call) deadlineError(err error) error {
	s := c.in.sup
	late := fault.New(fault.Deadline, "the %s did not answer within %s", s.ref, s.callTimeout())
	if c.caller.Err() != nil { // the caller's deadline has passed, and not the call timeout
		late = fault.New(fault.Deadline, "the %s did not answer in time", s.ref)
	}
	late.Err = err
	return late
}

// awaitDeadline waits for the end of ctx, if the deadline of ctx passes within 50
// milliseconds and err says that the call was canceled. The plugin also knows the deadline,
// and its clock may be slightly ahead of the host's. Then the plugin cancels the call
// shortly before ctx ends.
func awaitDeadline(ctx context.Context, err error) {
	const moment = 50 * time.Millisecond
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) > moment {
		return
	}
	switch fault.Of(err).Class {
	case fault.Canceled, fault.Deadline:
		<-ctx.Done()
	}
}

// mayBeConnectionLoss reports whether err may come from a broken connection. gRPC returns
// the code Canceled if the host closed the connection because the process ended.
func mayBeConnectionLoss(err error) bool {
	switch fault.Of(err).Class {
	case fault.PluginUnavailable, fault.Canceled:
		return true
	}
	return false
}

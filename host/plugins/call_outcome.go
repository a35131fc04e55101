package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
)

// deliver configures the instance in the process, unless it is configured there already,
// and sends the call. It notes the call's ending in the worker's call log.
func (c *call) deliver(ctx context.Context, w *worker) (outcome, error) {
	in, end, entry := c.in, answered, w.calls.begin(c.opts.tenant)
	defer func() { w.calls.end(entry, end) }()
	st, err := w.configure(ctx, in, c.opts.tenant)
	if err != nil {
		if ctx.Err() == nil && mayBeConnectionLoss(err) && w.EndsSoon() {
			return neverSent, in.sup.unavailable("its process ended while it was configured (%s)", w.ExitStatus())
		}
		return settled, err
	}
	in.needs.Store(&st.needs)
	in.capacity.Store(&st.capacity)
	var delivery process.Delivery
	end = abandoned // stays so if send panics: the plugin may still work on the call
	err = in.sup.fromPlugin(c.send(delivery.Observe(ctx), target{conn: w.Conn, id: st.id, permit: c.permit}), originOf(in.sup.ref.Kind))
	if err == nil {
		end = answered
		return settled, nil
	}
	awaitDeadline(ctx, err)
	result, how, err := c.judge(ctx, w, st, &delivery, err)
	end = how
	return result, err
}

// judge decides what the error of a call means. It returns whether the call is made again,
// the ending for the call log, and the error that the caller gets.
func (c *call) judge(ctx context.Context, w *worker, st *setup, delivery *process.Delivery, err error) (outcome, ending, error) {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		w.RequestProbe()
		return settled, abandoned, c.deadlineError(err)
	case ctx.Err() != nil && fault.Is(err, fault.Canceled): // the caller canceled it; gRPC makes that the plugin's error
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

// judgeConnectionLoss does what judge does, for a call whose connection seems lost while the
// process still runs.
func (c *call) judgeConnectionLoss(w *worker, delivery *process.Delivery, err error) (outcome, ending, error) {
	w.RequestProbe()
	if !delivery.Reached() && !c.isFinal() {
		return neverSent, answered, err
	}
	if fault.Is(err, fault.Canceled) { // nobody canceled it: the caller must not be told that it went away
		err = fault.New(fault.Internal, "the %s gave the call up: %w", w.Binary.Ref, err).By(fault.PartyPlugin)
	}
	return settled, abandoned, err
}

// judgeExit does what judge does, for a call whose process ended or was asked to end.
func (c *call) judgeExit(w *worker, delivery *process.Delivery, err error) (outcome, ending, error) {
	gone := fault.New(fault.PluginUnavailable, "the %s %s (%s)", w.Binary.Ref, w.exitReason(), w.ExitStatus())
	gone.Err = err
	if !delivery.Reached() && !c.isFinal() {
		return neverSent, answered, gone
	}
	if w.calls.isOnly(c.opts.tenant) { // a repeated call may crash the process again: ask the caller to wait
		_ = gone.After(time.Second)
	}
	return settled, cutOff, gone
}

// isFinal reports whether the caller has already seen a part of the result, so that the call
// must not be made again.
func (c *call) isFinal() bool { return c.opts.final != nil && c.opts.final() }

// exitReason says why a call on the process was cut off, for messages.
func (w *worker) exitReason() string {
	switch {
	case w.replaced.Load():
		return "was replaced by another version, and its old process ended during the call"
	case w.IsStopping():
		return "was stopped during the call"
	}
	return "failed: the plugin process ended during the call"
}

// deadlineError returns the error of a call that met its deadline. err is its cause.
func (c *call) deadlineError(err error) error {
	s := c.in.sup
	late := fault.New(fault.Deadline, "the %s did not answer within %s", s.ref, s.callTimeout())
	if c.caller.Err() != nil { // the caller's deadline, and not the call timeout
		late = fault.New(fault.Deadline, "the %s did not answer in time", s.ref)
	}
	late.Err = err
	return late
}

// awaitDeadline waits for a deadline that is about to pass. The plugin knows the deadline
// too, and its clock may be a moment ahead. Then it cancels the call before the deadline
// has passed here.
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

// mayBeConnectionLoss reports whether err may come from a connection that broke. gRPC calls
// it canceled when this side closed the connection, after an exit.
func mayBeConnectionLoss(err error) bool {
	switch fault.Of(err).Class {
	case fault.PluginUnavailable, fault.Canceled:
		return true
	}
	return false
}

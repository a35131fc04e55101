package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
	"google.golang.org/grpc"
)

// callOptions say how a call is made.
type callOptions struct {
	tenant    string      // whose turn in the queue it takes
	unqueued  bool        // takes no slot: it must not wait behind others; nor can a breaker refuse it
	urgent    bool        // no breaker refuses it
	ends      bool        // it ends or deletes what is there, and is made for a tenant that is kept away too
	unbounded bool        // only the caller's ctx bounds it, not the call timeout
	begun     func()      // called once there is a slot and no breaker refuses the call; may be nil
	final     func() bool // reports that it had effects and must not be made again; nil is never
}

// target is a process that knows the instance.
type target struct {
	conn   grpc.ClientConnInterface
	id     string
	permit *admission.Permit
}

// call makes one call on the instance: it waits for a slot, for a process and for
// the instance to be configured there; while the instance's circuit is open it fails
// at once. It makes the call again, once, if it
// certainly never reached a process, and once if the process did not know the
// instance.
func (in *instance) call(ctx context.Context, o callOptions, fn func(context.Context, target) error) (err error) {
	s := in.sup
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	caller := ctx
	if !o.unbounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, in.sup.callTimeout())
		defer cancel()
	}
	if o.unqueued {
		_, err := in.attempts(ctx, caller, o, nil, fn)
		return err
	}
	// As the defer below has it, so that what panics is counted as what it was.
	defer func() { s.totals.called(err) }()
	// A tenant that is kept away waits for nothing.
	if _, err := s.blame.route(o.tenant, o.ends); err != nil {
		return err
	}
	if !o.urgent {
		// Before it waits for a slot; whether it may pass is known only after.
		if err := in.breaker.Check(o.tenant); err != nil {
			return err
		}
	}
	release, err := s.queue.Acquire(ctx, admission.Claim{Tenant: o.tenant, Instance: in.digest, Capacity: in.upstreamCapacity()})
	if err != nil {
		return err
	}
	defer release()
	permit, err := in.permit(o)
	if err != nil {
		return err
	}
	if o.begun != nil {
		o.begun()
	}
	// What the caller does in fn may panic: that says nothing of the upstream.
	var p *worker
	err = fault.New(fault.Canceled, "the caller broke the call off")
	defer func() { permit.End(caller, err, exitedOf(p)) }()
	p, err = in.attempts(ctx, caller, o, permit, fn)
	return err
}

// permit asks the instance's breaker for leave to make the call.
func (in *instance) permit(o callOptions) (*admission.Permit, error) {
	if o.urgent {
		return in.breaker.AdmitUrgent(o.tenant), nil
	}
	return in.breaker.Admit(o.tenant)
}

// exitedOf gives the process to the breaker; nil stays nil.
func exitedOf(p *worker) admission.Process {
	if p == nil {
		return nil
	}
	return p
}

// attempts answers how the last attempt ended and on which process, nil for none.
func (in *instance) attempts(ctx, caller context.Context, o callOptions, permit *admission.Permit, fn func(context.Context, target) error) (*worker, error) {
	s := in.sup
	unknown, unsent, moved := false, false, 0
	for {
		if err := s.crashLoops.Check(in.digest); err != nil {
			return nil, err
		}
		at, err := s.blame.route(o.tenant, o.ends)
		if err != nil {
			return nil, err
		}
		leave := func() {}
		if at != s {
			if leave = at.leave; at.enter() != nil { // it was left meanwhile
				at, leave = s, func() {}
			}
		}
		p, outcome, err := in.attemptAt(ctx, caller, at, o, permit, fn)
		leave()
		if outcome == elsewhere {
			if moved++; moved < maxMoves {
				continue
			}
			return nil, s.unavailable("its process ended again and again before this call").After(time.Second)
		}
		switch {
		case outcome == unknownInstance && !unknown:
			unknown = true
		case outcome == neverSent && !unsent && ctx.Err() == nil:
			unsent = true
		default:
			return p, err
		}
	}
}

// attemptAt makes an attempt in the supervisor's process, which is nil if there was none.
func (in *instance) attemptAt(ctx, caller context.Context, at *supervisor, o callOptions, permit *admission.Permit, fn func(context.Context, target) error) (*worker, outcome, error) {
	p, err := at.acquire(ctx)
	if err != nil {
		if at != in.sup && at.cannotStart() {
			return nil, elsewhere, err
		}
		return nil, settled, err
	}
	defer at.giveBack(p)
	// While it waited, the process may have ended by what the tenant did.
	if now, err := in.sup.blame.route(o.tenant, o.ends); err != nil {
		return nil, settled, err
	} else if now != at && (now != in.sup || !at.isClosing()) {
		return nil, elsewhere, nil
	}
	outcome, err := in.attempt(ctx, caller, p, o, func(ctx context.Context, t target) error {
		t.permit = permit
		return fn(ctx, t)
	})
	return p, outcome, err
}

// outcome is what an attempt says about another one.
type outcome int

const (
	settled         outcome = iota // the error, or nil, stands
	neverSent                      // the call reached no process
	unknownInstance                // the process had to be told about the instance
	elsewhere                      // the tenant's calls are made by another supervisor
)

// maxMoves is how often a call may find that it is to be made elsewhere.
const maxMoves = 8

// attempt makes the call on p.
func (in *instance) attempt(ctx, caller context.Context, p *worker, o callOptions, fn func(context.Context, target) error) (outcome, error) {
	how, w := answered, p.calls.begin(o.tenant)
	defer func() { p.calls.end(w, how) }()
	st, err := p.configure(ctx, in, o.tenant)
	if err != nil {
		if ctx.Err() == nil && broken(err) && p.EndsSoon() {
			return neverSent, in.sup.unavailable("its process ended while it was configured (%s)", p.ExitStatus())
		}
		return settled, err
	}
	in.needs.Store(&st.needs)
	in.capacity.Store(&st.capacity)
	var delivery process.Delivery
	how = abandoned // what fn panics with says nothing of the process
	err = in.sup.heard(fn(delivery.Observe(ctx), target{conn: p.Conn, id: st.id}), originOf(in.sup.ref.Kind))
	final := o.final != nil && o.final()
	if err != nil {
		awaitDeadline(ctx, err)
	}
	switch {
	case err == nil:
		how = answered
		return settled, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		p.RequestProbe()
		return settled, in.late(caller, err)
	case ctx.Err() != nil && fault.Is(err, fault.Canceled): // by the caller, and not by the plugin that grpc makes it
		return settled, fault.Of(ctx.Err())
	case ctx.Err() != nil:
		return settled, err
	case fault.Is(err, fault.UnknownInstance):
		how = answered
		p.forget(in, st)
		if final {
			return settled, err
		}
		return unknownInstance, fault.New(fault.PluginUnavailable, "the %s does not know the instance that it has just configured", p.Binary.Ref)
	case !broken(err):
		if own := (*emitError)(nil); !errors.As(err, &own) {
			how = answered
		}
		return settled, err
	}
	if !p.EndsSoon() && !p.IsStopping() {
		p.RequestProbe()
		if !delivery.Reached() && !final {
			how = answered
			return neverSent, err
		}
		if fault.Is(err, fault.Canceled) { // nobody did: the caller must not be told that it went away
			err = fault.New(fault.Internal, "the %s gave the call up: %w", p.Binary.Ref, err).By(fault.PartyPlugin)
		}
		return settled, err
	}
	gone := fault.New(fault.PluginUnavailable, "the %s %s (%s)", p.Binary.Ref, p.failing(), p.ExitStatus())
	gone.Err = err
	if !delivery.Reached() && !final {
		how = answered
		return neverSent, gone
	}
	how = cutOff
	if p.calls.isOnly(o.tenant) { // whoever makes the call again ends the process again
		_ = gone.After(time.Second)
	}
	return settled, gone
}

// failing says why a call on the process was cut off.
func (p *worker) failing() string {
	switch {
	case p.replaced.Load():
		return "was replaced by another version, and its old process ended during the call"
	case p.IsStopping():
		return "was stopped during the call"
	}
	return "failed: the plugin process ended during the call"
}

// late is the error of a call that met its deadline.
func (in *instance) late(caller context.Context, err error) error {
	how := fault.New(fault.Deadline, "the %s did not answer within %s", in.sup.ref, in.sup.callTimeout())
	if caller.Err() != nil {
		how = fault.New(fault.Deadline, "the %s did not answer in time", in.sup.ref)
	}
	how.Err = err
	return how
}

// awaitDeadline waits for a deadline that is about to pass. The plugin knows the
// deadline too, and its clock may be a moment ahead: then the call comes back
// canceled by the other side before it is late on this one.
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

// broken reports whether err may come from a connection that broke. gRPC calls it
// canceled when the connection was closed from this side, after an exit.
func broken(err error) bool {
	switch fault.Of(err).Class {
	case fault.PluginUnavailable, fault.Canceled:
		return true
	}
	return false
}

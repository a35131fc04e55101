package plugins

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/sdk/fault"
	"google.golang.org/grpc"
)

// callOptions say how a call is made.
type callOptions struct {
	tenant    string      // whose slots and permits the call takes; empty is the host itself
	unqueued  bool        // the call takes no slot and needs no permit: it must not wait behind others
	urgent    bool        // the breaker does not refuse the call
	ends      bool        // the call ends or deletes what is there; it is made for a tenant that is kept away too
	unbounded bool        // only the caller's ctx bounds the call, and not the call timeout
	begun     func()      // called once when the call has its slot and its permit; may be nil
	final     func() bool // reports whether the caller has seen a part of the result, so that the call must not be made again; nil is never
}

// target is a process that knows the instance.
type target struct {
	conn   grpc.ClientConnInterface
	id     string            // the instance's name in the process
	permit *admission.Permit // nil for calls that need none
}

// call is one call on an instance while it is made. Its steps are, in this order:
//
//	admit    wait for a slot, and get the breaker's permit
//	attempts make the call, again if it certainly reached no process
//	route    decide which supervisor's process it is made on
//	acquire  wait for the process
//	deliver  configure the instance there, and send
//	judge    decide what the outcome is, and whether the call is made again
type call struct {
	in     *instance
	opts   callOptions
	caller context.Context // the caller's, without the call timeout
	permit *admission.Permit
	send   func(context.Context, target) error
}

// invoke makes one call on the instance by the client of its kind, and returns the answer.
func invoke[C, A any](ctx context.Context, i *Instance, o callOptions, client func(grpc.ClientConnInterface, string) C, send func(context.Context, C) (A, error)) (A, error) {
	var answer A
	err := i.call(ctx, o, func(ctx context.Context, t target) (err error) {
		answer, err = send(ctx, client(t.conn, t.id))
		return err
	})
	return answer, err
}

// call makes a call on the instance. It fails if the instance was given back. A fault of
// the tenant's settings names its key in the tenant's document.
func (i *Instance) call(ctx context.Context, o callOptions, send func(context.Context, target) error) error {
	if i.closed.Load() {
		return fault.New(fault.Internal, "the instance of the %s was given back", i.sup.ref)
	}
	if i.background {
		release, err := i.m.background.Acquire(ctx, o.tenant)
		if err != nil {
			return fault.Of(err)
		}
		defer release()
	}
	return i.withKey(i.makeCall(ctx, o, send))
}

// makeCall makes a call on the instance. The call is made again once if it certainly
// reached no process, and once if the process did not know the instance.
func (in *instance) makeCall(ctx context.Context, o callOptions, send func(context.Context, target) error) (err error) {
	s := in.sup
	if err := s.countIn(); err != nil {
		return err
	}
	defer s.countOut()
	c := &call{in: in, opts: o, caller: ctx, send: send}
	if !o.unbounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.callTimeout())
		defer cancel()
	}
	if o.unqueued {
		_, err := c.attempts(ctx)
		return err
	}
	defer func() { s.totals.countCall(err) }() // deferred, so that a panic of send is counted too
	release, err := c.admit(ctx)
	if err != nil {
		return err
	}
	defer release()
	if o.begun != nil {
		o.begun()
	}
	// send may panic in the caller's own code. The breaker must not count that as a failure
	// of the upstream.
	var w *worker
	err = fault.New(fault.Canceled, "the caller broke the call off")
	defer func() { c.permit.End(c.caller, err, exitOf(w)) }()
	w, err = c.attempts(ctx)
	return err
}

// admit waits for a slot of the queue and gets the breaker's permit. release gives the
// slot back. A call that would be refused does not wait.
func (c *call) admit(ctx context.Context) (release func(), err error) {
	in, o := c.in, c.opts
	if _, err := in.sup.attribution.route(o); err != nil {
		return nil, err
	}
	if !o.urgent {
		if err := in.breaker.Check(o.tenant); err != nil {
			return nil, err
		}
	}
	release, err = in.sup.queue.Acquire(ctx, admission.Claim{Tenant: o.tenant, Instance: in.digest, Capacity: in.upstreamCapacity()})
	if err != nil {
		return nil, err
	}
	if o.urgent {
		c.permit = in.breaker.AdmitUrgent(o.tenant)
	} else if c.permit, err = in.breaker.Admit(o.tenant); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// exitOf returns the worker's process for a permit. Nil stays nil.
func exitOf(w *worker) admission.Process {
	if w == nil {
		return nil
	}
	return w
}

// outcome says whether the call is made again.
type outcome int

const (
	settled         outcome = iota // no: the error, or nil, stands
	neverSent                      // once: the call reached no process
	unknownInstance                // once: the process has to be told the instance
	elsewhere                      // yes: another supervisor makes the tenant's calls
)

// maxMoves is how often a call may find that another supervisor is to make it.
const maxMoves = 8

// attempts makes the call until its outcome is settled. It returns the worker of the last
// attempt, nil if there was none.
func (c *call) attempts(ctx context.Context) (*worker, error) {
	s := c.in.sup
	unknown, unsent, moved := false, false, 0
	for {
		if err := s.crashLoops.Check(c.in.digest); err != nil {
			return nil, err
		}
		at, leave, err := c.route()
		if err != nil {
			return nil, err
		}
		w, outcome, err := c.attemptAt(ctx, at)
		leave()
		switch {
		case outcome == elsewhere:
			if moved++; moved == maxMoves {
				return nil, s.unavailable("its process ended again and again before this call").After(time.Second)
			}
		case outcome == unknownInstance && !unknown:
			unknown = true
		case outcome == neverSent && !unsent && ctx.Err() == nil:
			unsent = true
		default:
			return w, err
		}
	}
}

// route returns the supervisor that makes the tenant's calls now: the instance's own, or
// that of a cell. leave must be called after the attempt.
func (c *call) route() (at *supervisor, leave func(), err error) {
	s := c.in.sup
	at, err = s.attribution.route(c.opts)
	if err != nil {
		return nil, nil, err
	}
	if at != s && at.countIn() == nil {
		return at, at.countOut, nil
	}
	return s, func() {}, nil // the call is counted there already; or the cell was given up meanwhile
}

// attemptAt makes one attempt on the supervisor's process. It returns no worker if there
// was none.
func (c *call) attemptAt(ctx context.Context, at *supervisor) (*worker, outcome, error) {
	s := c.in.sup
	w, err := at.acquire(ctx)
	if err != nil {
		if at != s && at.cannotStart() {
			return nil, elsewhere, err
		}
		return nil, settled, err
	}
	defer at.giveBack(w)
	// While the call waited, the tenant may have been moved to another cell.
	if now, err := s.attribution.route(c.opts); err != nil {
		return nil, settled, err
	} else if now != at && (now != s || !at.isClosing()) {
		return nil, elsewhere, nil
	}
	outcome, err := c.deliver(ctx, w)
	return w, outcome, err
}

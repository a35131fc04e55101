package plugins

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk/fault"
	"google.golang.org/grpc"
)

// callOptions says how a call is made.
type callOptions struct {
	tenant    string // the tenant whose slots and permits the call uses; empty for a call of the host itself
	unqueued  bool   // the call uses no slot and no permit, because it must not wait behind other calls
	urgent    bool   // the breaker does not refuse the call
	ends      bool   // the call ends a turn or deletes data; it is made even if attribution refuses the tenant
	unbounded bool   // the call has no call timeout, only the deadline of the caller's ctx
	check     bool   // the call asks whether the instance works; circuits ignore it, and it uses no capacity of the upstream
	lasting   bool   // the call stays open until the caller ends it, so it must leave room for other calls
	// nested has the nested plugins that the instance may call during this call, by role. It is
	// nil if there are none.
	nested map[string]services.Nested
	begun  func() // called once when the call has its slot and its permit; may be nil
	// final reports whether the caller has seen a part of the result, so that the call must
	// not be repeated. A nil final means that the caller has seen nothing.
	final func() bool
}

// target is a process in which the instance is configured.
type target struct {
	conn   grpc.ClientConnInterface
	id     string            // the name of the instance in the process
	permit *admission.Permit // nil for calls that use no permit
}

// call is the state of one call on an instance. A call has these steps, in this order:
//
//	admit    wait for a slot, and get the breaker's permit
//	attempts make the call, and repeat it if it certainly reached no process
//	route    choose the supervisor whose process makes the call
//	acquire  wait for the process
//	deliver  configure the instance in the process, wait for its permit, and send the call
//	judge    decide which error the caller gets, and whether the call is repeated
type call struct {
	in     *instance
	opts   callOptions
	caller context.Context // the context of the caller, without the call timeout
	permit *admission.Permit
	send   func(context.Context, target) error
}

// invoke makes a call on the instance. client creates the client of the plugin's kind, and
// send makes the call with that client. invoke returns the result of send.
func invoke[C, A any](ctx context.Context, i *Instance, o callOptions, client func(grpc.ClientConnInterface, string) C, send func(context.Context, C) (A, error)) (A, error) {
	var answer A
	err := i.call(ctx, o, func(ctx context.Context, t target) (err error) {
		answer, err = send(ctx, client(t.conn, t.id))
		return err
	})
	return answer, err
}

// call makes a call on the instance. It returns an error if the instance was closed. If the
// tenant's settings are at fault, the error names the key in the tenant's document.
func (i *Instance) call(ctx context.Context, o callOptions, send func(context.Context, target) error) error {
	if i.closed.Load() {
		return fault.New(fault.Internal, "the instance of the %s was given back", i.sup.ref)
	}
	o.nested = i.services
	if i.background {
		release, err := i.m.background.Acquire(ctx, o.tenant)
		if err != nil {
			return fault.Of(err)
		}
		defer release()
	}
	return i.withKey(i.makeCall(ctx, o, send))
}

// makeCall makes a call on the instance. It repeats the call once if the call certainly
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
	defer func() { s.totals.calls.count(err) }() // deferred, so that a call whose send panics is counted too
	release, err := c.admit(ctx)
	if err != nil {
		return err
	}
	defer release()
	if o.begun != nil {
		o.begun()
	}
	var w *worker
	broken := true // send may panic in code of the caller, and the breaker must not count that as a failure of the upstream
	defer func() {
		if broken {
			err = fault.New(fault.Canceled, "the caller broke the call off")
		}
		c.permit.End(c.caller, err, exitOf(w))
	}()
	w, err = c.attempts(ctx)
	broken = false
	return err
}

// admit waits for a slot of the queue and gets the breaker's permit. The caller calls
// release to free the slot. admit checks for a refusal before it waits, so that a refused
// call does not wait.
func (c *call) admit(ctx context.Context) (release func(), err error) {
	in, o := c.in, c.opts
	if _, err := in.sup.attribution.route(o); err != nil {
		return nil, err
	}
	if o.check {
		return in.sup.queue.Acquire(ctx, admission.Claim{Tenant: o.tenant, Instance: in.digest})
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

// exitOf returns the worker as an admission.Process. A nil worker becomes a nil interface.
func exitOf(w *worker) admission.Process {
	if w == nil {
		return nil
	}
	return w
}

// outcome says whether a call is repeated, and why.
type outcome int

const (
	settled         outcome = iota // the call is not repeated
	neverSent                      // the call reached no process; it is repeated once
	unknownInstance                // the process did not know the instance; the call is repeated once
	elsewhere                      // another supervisor makes the tenant's calls now; the call is repeated there
)

// maxMoves limits how often a call is repeated on another supervisor.
const maxMoves = 8

// attempts makes the call, and repeats it until its outcome is settled. It returns the
// worker of the last attempt, or nil if the last attempt had none.
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

// route returns the supervisor that makes the tenant's calls now: the instance's supervisor
// or that of a cell. The caller must call leave after the attempt.
func (c *call) route() (at *supervisor, leave func(), err error) {
	s := c.in.sup
	at, err = s.attribution.route(c.opts)
	if err != nil {
		return nil, nil, err
	}
	if at != s && at.countIn() == nil {
		return at, at.countOut, nil
	}
	return s, func() {}, nil // makeCall has counted the call on s; a closing cell falls back to s too
}

// attemptAt makes one attempt to call the process of the supervisor at. The returned worker
// is nil if the attempt got no process.
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
	// While the call waited for a process, the tenant may have been moved to another cell.
	if now, err := s.attribution.route(c.opts); err != nil {
		return nil, settled, err
	} else if now != at && (now != s || !at.isClosing()) {
		return nil, elsewhere, nil
	}
	outcome, err := c.deliver(ctx, w)
	return w, outcome, err
}

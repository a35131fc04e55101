package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// disconnects notices when callers disconnect while their requests are handled. Package
// net/http notices it by reading ahead, but not any more once a single byte has arrived
// behind the request. So this type asks the system about each connection every now and
// then, without reading from it. A caller that has closed its sending side counts as
// disconnected.
//
// The zero value is ready. Its methods may be called concurrently.
type disconnects struct {
	mu      sync.Mutex
	callers map[*watchedCaller]struct{}
	timer   *time.Timer // nil before the first caller; stopped while there is none
}

// watchedCaller is the caller of one request.
type watchedCaller struct {
	connection syscall.RawConn
	cancel     context.CancelCauseFunc // ends the request's context
	bodyRead   atomic.Bool             // the request was read to its end
}

// maxSentAhead bounds the bytes that a caller may send behind its request. With more, the
// system soon takes no further bytes, and then the end of the connection would not arrive
// either.
const maxSentAhead = 32 << 10

type watchedCallerKey struct{}

// markRequestRead records that the request of ctx was read to its end.
func markRequestRead(ctx context.Context) {
	if p, ok := ctx.Value(watchedCallerKey{}).(*watchedCaller); ok {
		p.bodyRead.Store(true)
	}
}

// disconnectPoll is the time between two looks at the connections. Shorter requests cost
// no look.
const disconnectPoll = 300 * time.Millisecond

type connectionKey struct{}

// watch returns a context that ends with ctx, and with errCallerLeft as its cause when the
// caller disconnects. done must be called when the request ends.
func (d *disconnects) watch(ctx context.Context) (watched context.Context, done func()) {
	watched, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	// When net/http notices a disconnect it cancels ctx without a cause.
	release := context.AfterFunc(ctx, func() {
		if why := context.Cause(ctx); !errors.Is(why, context.Canceled) {
			cancel(why)
			return
		}
		cancel(errCallerLeft())
	})
	connection, ok := ctx.Value(connectionKey{}).(syscall.RawConn)
	if !ok {
		return watched, func() { release(); cancel(nil) }
	}
	p := &watchedCaller{connection: connection, cancel: cancel}
	d.add(p)
	return context.WithValue(watched, watchedCallerKey{}, p), func() {
		d.remove(p)
		release()
		cancel(nil)
	}
}

func (d *disconnects) add(p *watchedCaller) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.callers == nil {
		d.callers = map[*watchedCaller]struct{}{}
	}
	d.callers[p] = struct{}{}
	switch {
	case len(d.callers) > 1:
	case d.timer == nil:
		d.timer = time.AfterFunc(disconnectPoll, d.poll)
	default:
		d.timer.Reset(disconnectPoll)
	}
}

func (d *disconnects) remove(p *watchedCaller) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.callers, p)
	if len(d.callers) == 0 {
		d.timer.Stop()
	}
}

// poll asks the system about all callers.
func (d *disconnects) poll() {
	d.mu.Lock()
	all := make([]*watchedCaller, 0, len(d.callers))
	for p := range d.callers {
		all = append(all, p)
	}
	d.mu.Unlock()
	for _, p := range all {
		switch {
		case hasHungUp(p.connection):
			p.cancel(errCallerLeft())
		case p.bodyRead.Load() && sentAhead(p.connection) > maxSentAhead:
			p.cancel(errSentAhead())
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.callers) > 0 {
		d.timer.Reset(disconnectPoll)
	}
}

// errCallerLeft returns the cause of a request whose caller has disconnected.
func errCallerLeft() *fault.Error {
	return fault.New(fault.Canceled, "the caller left: its connection ended, or the side that it sends on").By(fault.PartyCaller)
}

// errSentAhead returns the cause of a request whose caller sends too much behind it.
func errSentAhead() *fault.Error {
	return fault.New(fault.Canceled, "the caller left, or does not wait for its answer: more than %d bytes came behind the request", maxSentAhead).By(fault.PartyCaller)
}

// callerLeft reports whether the request's context ended because the caller disconnected.
func callerLeft(r *http.Request) bool {
	why := fault.Of(context.Cause(r.Context()))
	return why != nil && why.Class == fault.Canceled && why.Party == fault.PartyCaller
}

// preferCancelCause returns the cause for which the request's context ended, if err is the
// canceled error that followed from it. A plugin may have returned that error, which does not say
// the cause. Any other error is returned as it is. An error that wraps the cause is kept, for example one that says how far an
// import came; it gets the party of the cause.
func preferCancelCause(r *http.Request, err error) error {
	why := context.Cause(r.Context())
	switch {
	case why == nil || !fault.Is(err, fault.Canceled):
		return err
	case !errors.Is(err, why):
		return why
	}
	detailed := *fault.Of(err)
	detailed.Party, detailed.RetryAfter = fault.Of(why).Party, fault.Of(why).RetryAfter
	return &detailed
}

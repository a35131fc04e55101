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

// disconnects notices when callers disconnect during their requests. Package net/http notices a
// disconnect by reading ahead, but stops reading after the first byte behind the request. So
// disconnects regularly polls the operating system for the state of each connection, without
// reading. A caller that has closed its sending side counts as disconnected.
//
// The zero value is ready to use. Its methods are safe for concurrent use.
type disconnects struct {
	mu      sync.Mutex
	callers map[*watchedCaller]struct{}
	timer   *time.Timer // nil before the first caller; stopped while callers is empty
}

// watchedCaller is the caller of one request.
type watchedCaller struct {
	connection syscall.RawConn
	cancel     context.CancelCauseFunc // cancels the request's context
	bodyRead   atomic.Bool             // whether the request was read to its end
}

// maxSentAhead is how many bytes a caller may send behind its request. With more unread bytes, the
// operating system would soon accept no further bytes, and then the server could not notice a
// disconnect.
const maxSentAhead = 32 << 10

type watchedCallerKey struct{}

// markRequestRead records that the request of ctx was read to its end.
func markRequestRead(ctx context.Context) {
	if p, ok := ctx.Value(watchedCallerKey{}).(*watchedCaller); ok {
		p.bodyRead.Store(true)
	}
}

// disconnectPoll is the time between two polls of the connections. A shorter request costs no poll.
const disconnectPoll = 300 * time.Millisecond

type connectionKey struct{}

// watch returns a context that ends when ctx ends or the caller disconnects. After a disconnect,
// the cause of the context is errCallerLeft. The caller of watch must call done when the request
// ends.
func (d *disconnects) watch(ctx context.Context) (watched context.Context, done func()) {
	watched, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	// When net/http notices a disconnect, it cancels ctx without a cause.
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

// poll checks the connections of all callers, and cancels the requests of callers that have
// disconnected.
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

// errCallerLeft returns the cause that cancels a request after its caller has disconnected.
func errCallerLeft() *fault.Error {
	return fault.New(fault.Canceled, "the caller left: its connection ended, or the side that it sends on").By(fault.PartyCaller)
}

// errSentAhead returns the cause that cancels a request whose caller sends too many bytes behind
// the request.
func errSentAhead() *fault.Error {
	return fault.New(fault.Canceled, "the caller left, or does not wait for its answer: more than %d bytes came behind the request", maxSentAhead).By(fault.PartyCaller)
}

// callerLeft reports whether the request's context ended because the caller disconnected.
func callerLeft(r *http.Request) bool {
	why := fault.Of(context.Cause(r.Context()))
	return why != nil && why.Class == fault.Canceled && why.Party == fault.PartyCaller
}

// preferCancelCause replaces a canceled error by the cause of the request's context, because a
// canceled error of a plugin does not name the cause. An error that wraps the cause keeps its text,
// for example how far an import came, and gets the party of the cause. Any other error is returned
// unchanged.
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

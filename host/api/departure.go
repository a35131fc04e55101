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

// departures notices that callers leave while their requests are at work. Package
// net/http does so by reading ahead, and sees nothing any more once a single byte came
// behind the request: the end is behind that byte. So the system is asked about each
// connection whose request is at work, now and then and without reading anything. A
// caller that closed its sending side has left, whatever it sent before.
//
// The zero value is ready.
type departures struct {
	mu      sync.Mutex
	present map[*presence]struct{}
	timer   *time.Timer // nil until there was anybody; stopped while there is nobody
}

// presence is the caller of one request.
type presence struct {
	connection syscall.RawConn
	left       context.CancelCauseFunc
	whole      atomic.Bool // nothing of the request itself is to come
}

// mostAhead is how many bytes a caller may have sent behind its request. With more the
// system soon takes none, and then the connection's end does not arrive either: that
// caller could not be seen to leave.
const mostAhead = 32 << 10

type presenceKey struct{}

// isWhole says that the request of ctx has been read to its end.
func isWhole(ctx context.Context) {
	if p, ok := ctx.Value(presenceKey{}).(*presence); ok {
		p.whole.Store(true)
	}
}

// lookAround is how often they are looked for. A request that is done sooner costs
// nothing but being noted.
const lookAround = 300 * time.Millisecond

type connectionKey struct{}

// watch gives a context that ends when the caller leaves, with errLeft, or with ctx.
// The request's end calls done.
func (d *departures) watch(ctx context.Context) (watched context.Context, done func()) {
	watched, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	// What net/http notices says nothing about why.
	forget := context.AfterFunc(ctx, func() {
		if why := context.Cause(ctx); !errors.Is(why, context.Canceled) {
			cancel(why)
			return
		}
		cancel(errLeft())
	})
	connection, ok := ctx.Value(connectionKey{}).(syscall.RawConn)
	if !ok {
		return watched, func() { forget(); cancel(nil) }
	}
	p := &presence{connection: connection, left: cancel}
	d.add(p)
	return context.WithValue(watched, presenceKey{}, p), func() {
		d.remove(p)
		forget()
		cancel(nil)
	}
}

func (d *departures) add(p *presence) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.present == nil {
		d.present = map[*presence]struct{}{}
	}
	d.present[p] = struct{}{}
	switch {
	case len(d.present) > 1:
	case d.timer == nil:
		d.timer = time.AfterFunc(lookAround, d.look)
	default:
		d.timer.Reset(lookAround)
	}
}

func (d *departures) remove(p *presence) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.present, p)
	if len(d.present) == 0 {
		d.timer.Stop()
	}
}

// look asks about everybody who is there.
func (d *departures) look() {
	d.mu.Lock()
	all := make([]*presence, 0, len(d.present))
	for p := range d.present {
		all = append(all, p)
	}
	d.mu.Unlock()
	for _, p := range all {
		switch {
		case hasHungUp(p.connection):
			p.left(errLeft())
		case p.whole.Load() && sentAhead(p.connection) > mostAhead:
			p.left(errAhead())
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.present) > 0 {
		d.timer.Reset(lookAround)
	}
}

// errLeft is why a request ends whose caller is there no more.
func errLeft() *fault.Error {
	return fault.New(fault.Canceled, "the caller left: its connection ended, or the side that it sends on").By(fault.PartyCaller)
}

// errAhead is why a request ends whose caller sends on and on.
func errAhead() *fault.Error {
	return fault.New(fault.Canceled, "the caller left, or does not wait for its answer: more than %d bytes came behind the request", mostAhead).By(fault.PartyCaller)
}

// hasLeft says whether that is why the request's context ended.
func hasLeft(r *http.Request) bool {
	why := fault.Of(context.Cause(r.Context()))
	return why != nil && why.Class == fault.Canceled && why.Party == fault.PartyCaller
}

// ended prefers why the request's context ended over the error that it caused, which
// may have come back from a plugin as anything that calls itself canceled. One that says
// why, and more, such as how far an import came, is kept, and is its cause's fault.
func ended(r *http.Request, err error) error {
	why := context.Cause(r.Context())
	switch {
	case why == nil || !fault.Is(err, fault.Canceled):
		return err
	case !errors.Is(err, why):
		return why
	}
	told := *fault.Of(err)
	told.Party, told.RetryAfter = fault.Of(why).Party, fault.Of(why).RetryAfter
	return &told
}

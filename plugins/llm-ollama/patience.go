package ollama

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// afterDone is how long the end of the connection may take after the end of the
// reply: waiting for it lets the connection be used again.
const afterDone = time.Second

// patience ends a stream's context when the server is silent for too long. The
// time that the reply's receiver takes is not the server's.
type patience struct {
	timer *time.Timer
	begun atomic.Bool
	next  time.Duration
}

// watch starts with the patience for the first token. The cause of the context's
// end is the fault to report.
func (m *Model) watch(ctx context.Context, next time.Duration) (context.Context, *patience, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &patience{next: next}
	p.timer = time.AfterFunc(m.firstToken, func() {
		if p.begun.Load() {
			cancel(fault.New(fault.Deadline, "the Ollama server at %s sent nothing more for %s", m.address(), next))
			return
		}
		cancel(fault.New(fault.Deadline, "no first token from the Ollama server at %s within %s", m.address(), m.firstToken))
	})
	return ctx, p, func() { p.timer.Stop(); cancel(nil) }
}

func (p *patience) pause() {
	p.timer.Stop()
	p.begun.Store(true)
}

func (p *patience) resume(done bool) {
	if done {
		p.timer.Reset(afterDone)
		return
	}
	p.timer.Reset(p.next)
}

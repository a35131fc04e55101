package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is a line on a terminal that is rewritten again and again. If the stream is no
// terminal, nothing is shown. It is for one goroutine.
type progress struct {
	to    io.Writer // nil: nothing is shown
	every time.Duration
	last  time.Time
}

func newProgress(errs io.Writer) *progress {
	p := &progress{every: 200 * time.Millisecond}
	if w, ok := errs.(*plainWriter); ok { // used for terminals only
		p.to = w.to
	}
	return p
}

// show writes the line, unless it was written just now. The text must not contain anything
// that a user wrote, because it is not cleaned of control characters.
func (p *progress) show(format string, args ...any) {
	if now := time.Now(); p.to != nil && now.Sub(p.last) >= p.every {
		p.last = now
		fmt.Fprintf(p.to, "\r\x1b[K"+format, args...)
	}
}

// end removes the line, if there is one.
func (p *progress) end() {
	if p.to != nil && !p.last.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.last = time.Time{}
	}
}

// waitingAfter is the time after which a command shows that it is waiting.
const waitingAfter = 2 * time.Second

// waiting shows for how many seconds a call has been going on, until done is called. done
// removes the line. p must not be used in between.
func (p *progress) waiting(what string) (done func()) {
	if p.to == nil {
		return func() {}
	}
	began, end := time.Now(), make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		defer p.end()
		tick := time.NewTicker(waitingAfter)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				p.show("%s: %d s", what, int(time.Since(began).Seconds()))
			}
		}
	})
	return func() {
		close(end)
		showing.Wait()
	}
}

// size returns a number of bytes as text with a unit.
func size(n int64) string {
	const kilo = 1000
	switch {
	case n < kilo:
		return fmt.Sprintf("%d bytes", n)
	case n < kilo*kilo:
		return fmt.Sprintf("%.1f kB", float64(n)/kilo)
	case n < kilo*kilo*kilo:
		return fmt.Sprintf("%.1f MB", float64(n)/(kilo*kilo))
	}
	return fmt.Sprintf("%.2f GB", float64(n)/(kilo*kilo*kilo))
}

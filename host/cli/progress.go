package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is a line on a terminal that show rewrites. If the stream is not a terminal,
// progress writes nothing. Only one goroutine may use a progress at a time.
type progress struct {
	to    io.Writer // nil if the stream is not a terminal
	every time.Duration
	last  time.Time
}

func newProgress(errs io.Writer) *progress {
	p := &progress{every: 200 * time.Millisecond}
	if w, ok := errs.(*plainWriter); ok { // Main uses a plainWriter only for a terminal.
		p.to = w.to
	}
	return p
}

// show writes the line. It does nothing if it wrote the line less than p.every ago. The text
// must not contain input of a user, because show does not remove control characters.
func (p *progress) show(format string, args ...any) {
	if now := time.Now(); p.to != nil && now.Sub(p.last) >= p.every {
		p.last = now
		fmt.Fprintf(p.to, "\r\x1b[K"+format, args...)
	}
}

// end removes the line, if show has written one.
func (p *progress) end() {
	if p.to != nil && !p.last.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.last = time.Time{}
	}
}

// waitingAfter is the time after which a command shows that it is waiting.
const waitingAfter = 2 * time.Second

// waiting shows every two seconds how long a call has been running, until done is called. done
// removes the line. Between waiting and done, the caller must not call other methods of p.
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

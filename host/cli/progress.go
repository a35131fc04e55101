package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is one line on a terminal that is written over and over. Where there is no
// terminal it is nothing.
type progress struct {
	to    io.Writer // nil: nothing is shown
	every time.Duration
	last  time.Time
}

func newProgress(errs io.Writer) *progress {
	p := &progress{every: 200 * time.Millisecond}
	if w, ok := errs.(*plainWriter); ok { // which is there for a terminal only
		p.to = w.to
	}
	return p
}

// show writes the line, unless it did just now. Nothing in it may be from elsewhere: it
// is not made plain.
func (p *progress) show(format string, args ...any) {
	if now := time.Now(); p.to != nil && now.Sub(p.last) >= p.every {
		p.last = now
		fmt.Fprintf(p.to, "\r\x1b[K"+format, args...)
	}
}

// end takes the line away, if there is one.
func (p *progress) end() {
	if p.to != nil && !p.last.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.last = time.Time{}
	}
}

// patience is how long nobody wonders whether something goes on.
const patience = 2 * time.Second

// waiting shows for how long something goes on that tells nothing of itself, until the
// function that it answers is called; the line is away then. Nothing else may use p
// meanwhile.
func (p *progress) waiting(what string) (done func()) {
	if p.to == nil {
		return func() {}
	}
	began, end := time.Now(), make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		defer p.end()
		tick := time.NewTicker(patience)
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

// size is a number of bytes for people.
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

package cli

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// outletBytes is how much waits for a reader who is slow. A burst of a busy host's log
// fits in; one that nobody reads costs no more than this.
const outletBytes = 1 << 20

// flushTimeout is how long the end of a process waits for the reader of what was
// written last.
const flushTimeout = 2 * time.Second

// outlet passes lines to a stream, and makes nobody wait for it: not for a pipe that
// its reader does not empty, not for a disk that is full. A host's turns write there,
// and so does its end. Lines that find no room, or cannot be written, are dropped and
// counted, and the stream is told how many are missing where they are missing, as soon
// as it takes anything again. It is used concurrently; each Write is whole lines.
type outlet struct {
	to      io.Writer
	missing func(lines int) []byte // words a gap as lines of the stream; nil: it is not told

	mu      sync.Mutex
	changed sync.Cond    // what waits has changed, or the outlet was closed
	dropped atomic.Int64 // lines, since it was made
	waiting []passage    // in order; two gaps never follow each other
	bytes   int          // of all that waits
	closed  bool
	drained chan struct{} // closed when closed and nothing waits
}

// passage is text that waits, or the number of lines that are missing in its place.
type passage struct {
	text []byte
	gap  int
}

// newOutlet begins to pass on. Close ends it.
func newOutlet(to io.Writer, missing func(lines int) []byte) *outlet {
	o := &outlet{to: to, missing: missing, drained: make(chan struct{})}
	o.changed.L = &o.mu
	go o.pump()
	return o
}

// Write implements io.Writer. It never waits for the stream and never fails.
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.bytes+len(b) > outletBytes {
		o.drop(linesIn(b))
		return len(b), nil
	}
	o.bytes += len(b)
	o.waiting = append(o.waiting, passage{text: bytes.Clone(b)})
	o.changed.Signal()
	return len(b), nil
}

// drop notes lines that are missing after all that waits. The caller holds mu.
func (o *outlet) drop(lines int) {
	o.dropped.Add(int64(lines))
	if last := len(o.waiting) - 1; last >= 0 && o.waiting[last].gap > 0 {
		o.waiting[last].gap += lines
		return
	}
	o.waiting = append(o.waiting, passage{gap: lines})
	o.changed.Signal()
}

// pump writes what waits, until Close. Between two lines that the stream took it says
// what is missing; until it takes that, everything else is missing too.
func (o *outlet) pump() {
	defer close(o.drained)
	lost := 0    // lines since the last that was written
	cut := false // the last one was written in part
	write := func(b []byte) bool {
		if cut {
			b = append([]byte{'\n'}, b...)
		}
		n, err := o.to.Write(b)
		cut = err != nil && (cut || n > 0)
		return err == nil
	}
	for {
		p, ok := o.next()
		if !ok {
			return
		}
		lost += p.gap
		if lost > 0 && (o.missing == nil || write(o.missing(lost))) {
			lost = 0
		}
		if p.text != nil && (lost > 0 || !write(p.text)) {
			lost += linesIn(p.text)
			o.dropped.Add(int64(linesIn(p.text)))
		}
	}
}

// next gives what is to be written, or false when the outlet is closed and empty.
func (o *outlet) next() (passage, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting) == 0 {
		if o.closed {
			return passage{}, false
		}
		o.changed.Wait()
	}
	p := o.waiting[0]
	o.waiting[0] = passage{}
	o.waiting = o.waiting[1:]
	o.bytes -= len(p.text)
	return p, true
}

// close lets what waits be written for at most the timeout. What is written from now
// on is dropped.
func (o *outlet) close(timeout time.Duration) {
	o.mu.Lock()
	o.closed = true
	o.changed.Signal()
	o.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-o.drained:
	case <-timer.C:
	}
}

func linesIn(b []byte) int { return max(1, bytes.Count(b, []byte{'\n'})) }

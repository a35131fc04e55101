package cli

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// asyncWriterBytes bounds the bytes that wait for a slow reader. A burst of a busy host's
// log fits in.
const asyncWriterBytes = 1 << 20

// flushTimeout is how long the end of the process waits for the reader of the last lines.
const flushTimeout = 2 * time.Second

// asyncWriter passes lines to a stream without making its callers wait: not for a pipe
// that nobody reads, and not for a full disk. Turns write their log through it, and so
// does the end of the host. Lines that find no room, or that cannot be written, are
// dropped and counted. As soon as the stream takes something again, it gets a line that
// says how many are missing. Write may be called concurrently, with whole lines each time.
type asyncWriter struct {
	to      io.Writer
	missing func(lines int) []byte // returns a line that reports a gap; nil: gaps are not reported

	mu      sync.Mutex
	changed sync.Cond     // signals that waiting or closed has changed
	dropped atomic.Int64  // lines, since it was made
	waiting []pendingText // in order, never two gaps in a row
	bytes   int           // size of all waiting texts
	closed  bool
	drained chan struct{} // closed when the writer is closed and nothing waits
}

// pendingText is a text that waits, or the number of lines that are missing in its place.
type pendingText struct {
	text []byte
	gap  int
}

// newAsyncWriter returns a writer and starts its goroutine, which ends after close.
func newAsyncWriter(to io.Writer, missing func(lines int) []byte) *asyncWriter {
	o := &asyncWriter{to: to, missing: missing, drained: make(chan struct{})}
	o.changed.L = &o.mu
	go o.pump()
	return o
}

// Write implements io.Writer. It never waits for the stream and never fails.
func (o *asyncWriter) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.bytes+len(b) > asyncWriterBytes {
		o.dropLocked(linesIn(b))
		return len(b), nil
	}
	o.bytes += len(b)
	o.waiting = append(o.waiting, pendingText{text: bytes.Clone(b)})
	o.changed.Signal()
	return len(b), nil
}

// dropLocked counts lines that are missing after everything that waits. Locked: mu is held.
func (o *asyncWriter) dropLocked(lines int) {
	o.dropped.Add(int64(lines))
	if last := len(o.waiting) - 1; last >= 0 && o.waiting[last].gap > 0 {
		o.waiting[last].gap += lines
		return
	}
	o.waiting = append(o.waiting, pendingText{gap: lines})
	o.changed.Signal()
}

// pump writes what waits until the writer is closed and empty. Before it writes a text it
// writes the lines that tell of a gap; until the stream takes those, the text is dropped
// too.
func (o *asyncWriter) pump() {
	defer close(o.drained)
	lost := 0    // lines that are missing since the last text that was written
	cut := false // the last text was written in part
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

// next returns the next text, or false when the writer is closed and empty. It waits.
func (o *asyncWriter) next() (pendingText, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting) == 0 {
		if o.closed {
			return pendingText{}, false
		}
		o.changed.Wait()
	}
	p := o.waiting[0]
	o.waiting[0] = pendingText{}
	o.waiting = o.waiting[1:]
	o.bytes -= len(p.text)
	return p, true
}

// close waits until everything is written, for at most the timeout. Later writes are
// dropped.
func (o *asyncWriter) close(timeout time.Duration) {
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

// linesIn returns the number of lines in b, at least 1.
func linesIn(b []byte) int { return max(1, bytes.Count(b, []byte{'\n'})) }

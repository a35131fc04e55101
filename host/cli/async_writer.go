package cli

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// asyncWriterBytes bounds the bytes that wait for a slow stream. It is large enough for a burst
// of a busy host's log.
const asyncWriterBytes = 1 << 20

// flushTimeout is how long the command waits at its end until the last lines are written.
const flushTimeout = 2 * time.Second

// asyncWriter writes lines to a stream in the background, so that its callers do not wait while
// a pipe has no reader or a disk is full. Turns and a stopping host write their log to an
// asyncWriter. It drops and counts lines for which it has no space and lines that cannot be
// written. When the stream can be written again, asyncWriter first writes a line with the
// number of the dropped lines. Write may be called concurrently; each call writes whole lines.
type asyncWriter struct {
	to      io.Writer
	missing func(lines int) []byte // returns a line that says how many lines were dropped; may be nil

	mu      sync.Mutex
	changed sync.Cond     // signals that waiting or closed has changed
	dropped atomic.Int64  // how many lines were dropped since newAsyncWriter
	waiting []pendingText // in the order of Write; two gaps in a row are merged into one
	bytes   int           // the size of all texts in waiting
	closed  bool
	drained chan struct{} // closed when the writer is closed and waiting is empty
}

// pendingText is a text that is not written yet, or a gap: the number of lines that were
// dropped at this place.
type pendingText struct {
	text []byte
	gap  int
}

// newAsyncWriter returns an asyncWriter for the stream to, and starts its goroutine. The
// goroutine ends after close.
func newAsyncWriter(to io.Writer, missing func(lines int) []byte) *asyncWriter {
	o := &asyncWriter{to: to, missing: missing, drained: make(chan struct{})}
	o.changed.L = &o.mu
	go o.pump()
	return o
}

// Write implements io.Writer. It queues b without waiting for the stream, and never returns an
// error.
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

// dropLocked counts lines that were dropped after the queued texts. Locked: mu is held.
func (o *asyncWriter) dropLocked(lines int) {
	o.dropped.Add(int64(lines))
	if last := len(o.waiting) - 1; last >= 0 && o.waiting[last].gap > 0 {
		o.waiting[last].gap += lines
		return
	}
	o.waiting = append(o.waiting, pendingText{gap: lines})
	o.changed.Signal()
}

// pump writes the queued texts to the stream until the writer is closed and the queue is empty.
// If lines were dropped, pump first writes a line with their number. While the stream does not
// take this line, pump drops the next texts too.
func (o *asyncWriter) pump() {
	defer close(o.drained)
	lost := 0    // lines that were dropped and are not reported yet
	cut := false // the stream took only a part of the last text
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

// next waits for the next queued text and returns it. It returns false when the writer is
// closed and the queue is empty.
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

// close waits until the queue is written, but not longer than timeout. Later calls of Write
// drop their lines.
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

// linesIn returns the number of lines in b. A text without a line feed counts as one line.
func linesIn(b []byte) int { return max(1, bytes.Count(b, []byte{'\n'})) }

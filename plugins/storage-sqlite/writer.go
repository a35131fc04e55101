package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	queueLength = 1024                  // writes in the queue; more wait for room in it
	batchLength = 128                   // bounds the writes in one transaction
	batchTime   = 20 * time.Millisecond // bounds the time in which they are collected
)

// writer does all writing of a Store, in one goroutine. It runs the waiting writes in one
// transaction, each in a savepoint of its own, and reports to their callers when the commit is
// on the disk. Writes share a commit because the commit is expensive. When one write fails, the
// others still succeed.
type writer struct {
	open    func() (*session, error)
	check   func(*session) error // refuses a transaction; called at the start of each
	queue   chan *write
	session *session // nil until it is needed, and after it was broken
	ended   chan struct{}

	// replaced reports whether another file is in the place of the session's. Then the session
	// is closed and retired is called, before a new session is opened. Both may be nil.
	replaced func() bool
	retired  func() error
}

// write is one unit of work. do runs on the writer's goroutine. It is run again if the
// transaction was lost because of another write, so it must have no other effect.
type write struct {
	do      func(*session) error
	outside bool // do runs outside of any transaction
	state   atomic.Int32
	done    chan error // buffered
}

const (
	waiting int32 = iota
	taken
	left // its caller has gone
)

func newWriter(open func() (*session, error), check func(*session) error) *writer {
	return &writer{open: open, check: check, queue: make(chan *write, queueLength), ended: make(chan struct{})}
}

// start starts the writer's goroutine, which close ends.
func (w *writer) start() { go w.run() }

// do runs f in a transaction and returns when it is on the disk. If ctx ends before f has
// started, f is not run. After that, do waits for the result.
func (w *writer) do(ctx context.Context, f func(*session) error) error {
	return w.submit(ctx, &write{do: f, done: make(chan error, 1)})
}

// outside runs f outside of any transaction, while no other write runs.
func (w *writer) outside(ctx context.Context, f func(*session) error) error {
	return w.submit(ctx, &write{do: f, outside: true, done: make(chan error, 1)})
}

func (w *writer) submit(ctx context.Context, o *write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.queue <- o:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.state.CompareAndSwap(waiting, left) {
			return ctx.Err()
		}
		return <-o.done
	}
}

// close ends the writer after the queued writes. do must not be called any more.
func (w *writer) close() error {
	close(w.queue)
	<-w.ended
	if w.session == nil {
		return nil
	}
	return w.session.close()
}

func (w *writer) run() {
	defer close(w.ended)
	for first := range w.queue {
		next := first
		for next != nil {
			next = w.runBatch(next)
		}
	}
}

// outcome is the result of a write, for when its transaction is on the disk.
type outcome struct {
	of  *write
	err error
}

// runBatch runs the write and the writes behind it in one transaction. It returns a write that
// must run outside of transactions, if it met one.
func (w *writer) runBatch(first *write) (over *write) {
	if !first.state.CompareAndSwap(waiting, taken) {
		return nil
	}
	err := w.beginFor(first)
	switch {
	case err != nil:
		first.done <- err
		w.refuseWaiting(err)
		return nil
	case first.outside:
		first.done <- w.dropIfBroken(recovered(first.do, w.session))
		return nil
	}
	done, over, lost := w.collect(first)
	if lost == nil {
		_, lost = w.session.exec("COMMIT")
	}
	switch {
	case lost != nil:
		w.rollback(lost)
		w.runOneByOne(done, lost)
	case w.isReplaced():
		for i := range done {
			done[i].err = errReplaced()
		}
	}
	for _, d := range done {
		d.of.done <- d.err
	}
	return over
}

// collect runs the write and the writes that wait behind it in the open transaction. lost is
// set when the whole transaction is lost.
func (w *writer) collect(first *write) (done []outcome, over *write, lost error) {
	start := time.Now()
	for o := first; o != nil; o = w.next() {
		switch {
		case o == first:
		case o.outside:
			return done, o, nil
		case !o.state.CompareAndSwap(waiting, taken):
			continue
		}
		var err error
		err, lost = w.runStep(o)
		done = append(done, outcome{o, err})
		if lost != nil || len(done) == batchLength || time.Since(start) > batchTime {
			break
		}
	}
	return done, nil, lost
}

// runOneByOne runs the writes of a lost transaction again, each in a transaction of its own. One
// of them may be too large for the disk while the others fit.
func (w *writer) runOneByOne(done []outcome, lost error) {
	if len(done) == 1 {
		done[0].err = lost
		return
	}
	var locked error
	for i := range done {
		if done[i].err = locked; locked != nil {
			continue // one wait for the lock is enough
		}
		if done[i].err = w.runSingle(done[i].of); busy(done[i].err) {
			locked = done[i].err
		}
	}
}

// next returns a waiting write, or nil.
func (w *writer) next() *write {
	select {
	case o := <-w.queue: // nil when the queue was closed
		return o
	default:
		return nil
	}
}

// refuseWaiting fails all waiting writes with the error. Each would fail in the same way, and
// each attempt may take long.
func (w *writer) refuseWaiting(err error) {
	for o := w.next(); o != nil; o = w.next() {
		if o.state.CompareAndSwap(waiting, taken) {
			o.done <- err
		}
	}
}

// runSingle runs a write in a transaction of its own.
func (w *writer) runSingle(o *write) error {
	if err := w.begin(); err != nil {
		return err
	}
	err, lost := w.runStep(o)
	if lost == nil {
		_, lost = w.session.exec("COMMIT")
	}
	if lost != nil {
		w.rollback(lost)
		return lost
	}
	if w.isReplaced() {
		return errReplaced()
	}
	return err
}

func (w *writer) isReplaced() bool { return w.replaced != nil && w.replaced() }

// retire closes the writing and reading sessions if the file was replaced. SQLite then leaves
// the files beside the path alone, which may belong to another database.
func (w *writer) retire() error {
	if !w.isReplaced() {
		return nil
	}
	var err error
	if w.session != nil {
		err = w.session.close()
		w.session = nil
	}
	if w.retired != nil {
		err = errors.Join(err, w.retired())
	}
	return err
}

// beginFor prepares the writer for the write: a session, and a transaction if it needs one.
func (w *writer) beginFor(o *write) error {
	if o.outside {
		return w.ensureSession()
	}
	return w.begin()
}

// ensureSession opens a session if there is none.
func (w *writer) ensureSession() error {
	if err := w.retire(); err != nil {
		return err
	}
	if w.session == nil {
		s, err := w.open()
		if err != nil {
			return err
		}
		w.session = s
	}
	return nil
}

// begin opens a session if there is none, and starts a transaction.
func (w *writer) begin() error {
	if err := w.ensureSession(); err != nil {
		return err
	}
	err := retryBusy(func() error {
		_, err := w.session.exec("BEGIN IMMEDIATE")
		return err
	})
	if err != nil {
		return w.dropIfBroken(err)
	}
	if err := w.check(w.session); err != nil {
		w.rollback(err)
		return err
	}
	return nil
}

// runStep runs a write in a savepoint. lost is set when the whole transaction is lost.
func (w *writer) runStep(o *write) (err, lost error) {
	if _, err := w.session.exec("SAVEPOINT write"); err != nil {
		return nil, err
	}
	if err = recovered(o.do, w.session); err == nil {
		_, err = w.session.exec("RELEASE write")
		return nil, err
	}
	if code(err) != 0 || sessionBroken(err) {
		return nil, err // SQLite may have ended the transaction
	}
	if _, lost = w.session.exec("ROLLBACK TO write"); lost == nil {
		_, lost = w.session.exec("RELEASE write")
	}
	return err, lost
}

// panicError is the error of a write that panicked. Its session cannot be used any more.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprint("panic: ", p.value) }

// recovered runs do and turns a panic into a panicError.
func recovered(do func(*session) error, s *session) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return do(s)
}

// rollback rolls the transaction back. It closes the session if why, or the error of the rollback,
// may have broken it.
func (w *writer) rollback(why error) {
	if _, err := w.session.exec("ROLLBACK"); err != nil && code(err) != errorCode {
		why = errors.Join(why, err)
	}
	_ = w.dropIfBroken(why)
}

// errorCode is the code that SQLite returns when there is no transaction to roll back.
const errorCode = 1

// dropIfBroken closes the session if err may have broken it. The next write opens another.
func (w *writer) dropIfBroken(err error) error {
	if err != nil && sessionBroken(err) {
		err = errors.Join(err, w.session.close())
		w.session = nil
	}
	return err
}

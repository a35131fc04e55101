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
	// The queue has room for this many writes. More callers wait until the queue has room.
	queueLength = 1024
	batchLength = 128                   // maximum number of writes in one transaction
	batchTime   = 20 * time.Millisecond // maximum time in which writes join a transaction
)

// writer executes all writes of a Store in one goroutine. It runs all waiting writes in one
// transaction, because a commit is expensive. Each write has its own savepoint, so that a failed
// write does not affect other writes. The callers get their results when the transaction is on the
// disk.
type writer struct {
	open    func() (*session, error)
	check   func(*session) error // called at the start of each transaction; its error refuses the transaction
	queue   chan *write
	session *session // nil before the first write, and after the session was closed as broken
	ended   chan struct{}

	// replaced reports whether the database was replaced after the session was opened. The writer
	// then closes its session and calls retired, before it opens a new session. Both functions may
	// be nil.
	replaced func() bool
	retired  func() error
}

// write is a write in the queue. do runs on the writer's goroutine. If the transaction fails
// because of another write, do is run again, so that do must not change anything outside of the
// database.
type write struct {
	do      func(*session) error
	outside bool // do runs without a transaction
	state   atomic.Int32
	done    chan error // has a buffer of one
}

const (
	waiting int32 = iota
	taken
	left // the caller has stopped waiting
)

func newWriter(open func() (*session, error), check func(*session) error) *writer {
	return &writer{open: open, check: check, queue: make(chan *write, queueLength), ended: make(chan struct{})}
}

// start starts the writer's goroutine. close stops the goroutine.
func (w *writer) start() { go w.run() }

// do runs f in a transaction and returns when the transaction is on the disk. If ctx ends before f
// has started, do returns the error of ctx and f is not run. If f has started, do waits for the
// result even after ctx has ended.
func (w *writer) do(ctx context.Context, f func(*session) error) error {
	return w.submit(ctx, &write{do: f, done: make(chan error, 1)})
}

// outside runs f without a transaction. No other write runs at the same time.
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

// close executes the queued writes and stops the writer. No call of do may follow.
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

// outcome has the result of a write until the transaction is on the disk.
type outcome struct {
	of  *write
	err error
}

// runBatch runs the write first and all waiting writes in one transaction. When it takes a write
// from the queue that must run without a transaction, it stops there and returns that write.
// Otherwise it returns nil.
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

// collect runs the write first and the waiting writes in the open transaction. over is a write that
// must run without a transaction, or nil. lost is the error that has made the whole transaction
// fail, or nil.
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

// runOneByOne runs the writes of a failed transaction again, each in its own transaction. One of
// the writes may be too large for the disk, while the other writes fit.
func (w *writer) runOneByOne(done []outcome, lost error) {
	if len(done) == 1 {
		done[0].err = lost
		return
	}
	var locked error
	for i := range done {
		if done[i].err = locked; locked != nil {
			// After one write has waited for the lock in vain, the next writes do not wait again.
			continue
		}
		if done[i].err = w.runSingle(done[i].of); busy(done[i].err) {
			locked = done[i].err
		}
	}
}

// next takes a waiting write from the queue. It returns nil if there is none.
func (w *writer) next() *write {
	select {
	case o := <-w.queue: // nil when the queue was closed
		return o
	default:
		return nil
	}
}

// refuseWaiting fails all waiting writes with err. Each of these writes would fail with the same
// error, and each attempt may take long.
func (w *writer) refuseWaiting(err error) {
	for o := w.next(); o != nil; o = w.next() {
		if o.state.CompareAndSwap(waiting, taken) {
			o.done <- err
		}
	}
}

// runSingle runs a write in its own transaction.
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

// retire closes the sessions for writing and reading if the database was replaced. When its old
// files are closed, SQLite does not touch the write-ahead log at the path, which may belong to the
// replacement.
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

// beginFor ensures that a session is open. It also begins a transaction if the write needs one.
func (w *writer) beginFor(o *write) error {
	if o.outside {
		return w.ensureSession()
	}
	return w.begin()
}

// ensureSession opens a session if none is open. If the database was replaced, it first closes the
// old session.
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

// begin opens a session if none is open, and begins a transaction.
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

// runStep runs a write in a savepoint. err is the error of the write. lost is the error that has
// made the whole transaction fail, or nil.
func (w *writer) runStep(o *write) (err, lost error) {
	if _, err := w.session.exec("SAVEPOINT write"); err != nil {
		return nil, err
	}
	if err = recovered(o.do, w.session); err == nil {
		_, err = w.session.exec("RELEASE write")
		return nil, err
	}
	if code(err) != 0 || sessionBroken(err) {
		return nil, err // SQLite may have rolled the whole transaction back
	}
	if _, lost = w.session.exec("ROLLBACK TO write"); lost == nil {
		_, lost = w.session.exec("RELEASE write")
	}
	return err, lost
}

// panicError is the error of a write that panicked. The session of that write must be closed.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprint("panic: ", p.value) }

// recovered calls do. It returns a panicError if do panics.
func recovered(do func(*session) error, s *session) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return do(s)
}

// rollback rolls the transaction back. It closes the session if why or the error of the rollback
// says that the session may be broken.
func (w *writer) rollback(why error) {
	if _, err := w.session.exec("ROLLBACK"); err != nil && code(err) != errorCode {
		why = errors.Join(why, err)
	}
	_ = w.dropIfBroken(why)
}

// errorCode is SQLITE_ERROR. SQLite returns it when there is no transaction to roll back.
const errorCode = 1

// dropIfBroken closes the session if err says that the session may be broken. The next write then
// opens a new session. dropIfBroken returns err.
func (w *writer) dropIfBroken(err error) error {
	if err != nil && sessionBroken(err) {
		err = errors.Join(err, w.session.close())
		w.session = nil
	}
	return err
}

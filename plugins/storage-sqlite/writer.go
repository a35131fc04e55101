package sqlitestore

import (
	"context"
	"errors"
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

// next takes a waiting write from the queue. It returns nil if there is none.
func (w *writer) next() *write {
	select {
	case o := <-w.queue: // nil when the queue was closed
		return o
	default:
		return nil
	}
}

// refuse fails first, a write that is not in the queue, and all waiting writes with err. Each of these
// writes would fail with the same error, and each attempt may take long. refuse takes all waiting
// writes from the queue before it answers any caller. A write that a caller sends after its answer
// therefore gets an attempt of its own.
func (w *writer) refuse(first *write, err error) {
	refused := []*write{first}
	for o := w.next(); o != nil; o = w.next() {
		if o.state.CompareAndSwap(waiting, taken) {
			refused = append(refused, o)
		}
	}
	for _, o := range refused {
		o.done <- err
	}
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

// dropIfBroken closes the session if err says that the session may be broken. The next write then
// opens a new session. dropIfBroken returns err.
func (w *writer) dropIfBroken(err error) error {
	if err != nil && sessionBroken(err) {
		err = errors.Join(err, w.session.close())
		w.session = nil
	}
	return err
}

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
	queueLength = 1024 // writes that wait; further ones wait for a place
	batchLength = 128  // writes in one transaction at most
	batchTime   = 20 * time.Millisecond
)

// writer does all writing of a Store. It takes the writes that wait into one
// transaction, each in a savepoint of its own, and answers them when they are on the
// disk together: what costs is not the writing but its end. A write that fails takes
// no other with it.
type writer struct {
	open    func() (*session, error)
	check   func(*session) error // in each transaction, whether it may be
	queue   chan *write
	session *session // nil until it is needed, and after it broke
	ended   chan struct{}

	// moved reports whether the session's file was replaced; retired is called then, after
	// the session was closed and before another one is opened. Both may be nil.
	moved   func() bool
	retired func() error
}

// write is one unit of work. do is called on the writer's goroutine, again if the
// transaction was lost with another's trouble; it must have no other effect.
type write struct {
	do    func(*session) error
	alone bool // outside of any transaction
	state atomic.Int32
	done  chan error // of one
}

const (
	waiting int32 = iota
	taken
	left // its caller went away
)

func newWriter(open func() (*session, error), check func(*session) error) *writer {
	return &writer{open: open, check: check, queue: make(chan *write, queueLength), ended: make(chan struct{})}
}

// start runs the writer until it is closed.
func (w *writer) start() { go w.run() }

// do runs f in a transaction and answers when it is on the disk. A caller that goes
// away before f began leaves nothing; after that it is waited for.
func (w *writer) do(ctx context.Context, f func(*session) error) error {
	return w.submit(ctx, &write{do: f, done: make(chan error, 1)})
}

// apart runs f outside of any transaction, when no other write is at work.
func (w *writer) apart(ctx context.Context, f func(*session) error) error {
	return w.submit(ctx, &write{do: f, alone: true, done: make(chan error, 1)})
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

// close ends the writer after the writes that it has. No others may come.
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
			next = w.batch(next)
		}
	}
}

// outcome is what a write answers once its transaction is on the disk.
type outcome struct {
	of  *write
	err error
}

// batch answers the write and those behind it; one that must be alone is left over.
func (w *writer) batch(first *write) (over *write) {
	if !first.state.CompareAndSwap(waiting, taken) {
		return nil
	}
	err := w.begin(first.alone)
	switch {
	case err != nil:
		first.done <- err
		w.refuse(err)
		return nil
	case first.alone:
		first.done <- w.mend(protected(first.do, w.session))
		return nil
	}
	done, over, lost := w.gather(first)
	if lost == nil {
		_, lost = w.session.exec("COMMIT")
	}
	switch {
	case lost != nil:
		w.rollback(lost)
		w.repeat(done, lost)
	case w.isMoved():
		for i := range done {
			done[i].err = errReplaced()
		}
	}
	for _, d := range done {
		d.of.done <- d.err
	}
	return over
}

// gather runs the write and those that wait behind it in the transaction. Lost is why
// the transaction is gone.
func (w *writer) gather(first *write) (done []outcome, over *write, lost error) {
	start := time.Now()
	for o := first; o != nil; o = w.next() {
		switch {
		case o == first:
		case o.alone:
			return done, o, nil
		case !o.state.CompareAndSwap(waiting, taken):
			continue
		}
		var err error
		err, lost = w.step(o)
		done = append(done, outcome{o, err})
		if lost != nil || len(done) == batchLength || time.Since(start) > batchTime {
			break
		}
	}
	return done, nil, lost
}

// repeat runs the writes of a lost transaction one by one: one of them may be too much
// for the disk, and others not.
func (w *writer) repeat(done []outcome, lost error) {
	if len(done) == 1 {
		done[0].err = lost
		return
	}
	var locked error
	for i := range done {
		if done[i].err = locked; locked != nil {
			continue // waiting once for a lock is enough
		}
		if done[i].err = w.single(done[i].of); busy(done[i].err) {
			locked = done[i].err
		}
	}
}

// next is a write that waits; nil if none does.
func (w *writer) next() *write {
	select {
	case o := <-w.queue: // nil when it was closed
		return o
	default:
		return nil
	}
}

// refuse answers all that wait with the error: it is no use to let each find out,
// since finding out may take long.
func (w *writer) refuse(err error) {
	for o := w.next(); o != nil; o = w.next() {
		if o.state.CompareAndSwap(waiting, taken) {
			o.done <- err
		}
	}
}

// single runs a write in a transaction of its own.
func (w *writer) single(o *write) error {
	if err := w.begin(false); err != nil {
		return err
	}
	err, lost := w.step(o)
	if lost == nil {
		_, lost = w.session.exec("COMMIT")
	}
	if lost != nil {
		w.rollback(lost)
		return lost
	}
	if w.isMoved() {
		return errReplaced()
	}
	return err
}

func (w *writer) isMoved() bool { return w.moved != nil && w.moved() }

// retire closes the session, and those for reading, if the file was replaced. SQLite
// leaves what lies beside the path alone then: it may be another database's.
func (w *writer) retire() error {
	if !w.isMoved() {
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

// begin opens the session if there is none, and a transaction unless alone.
func (w *writer) begin(alone bool) error {
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
	if alone {
		return nil
	}
	err := patiently(func() error {
		_, err := w.session.exec("BEGIN IMMEDIATE")
		return err
	})
	if err != nil {
		return w.mend(err)
	}
	if err := w.check(w.session); err != nil {
		w.rollback(err)
		return err
	}
	return nil
}

// step runs a write in a savepoint. Lost is why the whole transaction is gone.
func (w *writer) step(o *write) (err, lost error) {
	if _, err := w.session.exec("SAVEPOINT write"); err != nil {
		return nil, err
	}
	if err = protected(o.do, w.session); err == nil {
		_, err = w.session.exec("RELEASE write")
		return nil, err
	}
	if code(err) != 0 || broken(err) {
		return nil, err // SQLite may have ended the transaction; begin anew
	}
	if _, lost = w.session.exec("ROLLBACK TO write"); lost == nil {
		_, lost = w.session.exec("RELEASE write")
	}
	return err, lost
}

// panicked leaves a session behind of which nothing is known.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprint("panic: ", p.value) }

func protected(do func(*session) error, s *session) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{value: p, stack: debug.Stack()}
		}
	}()
	return do(s)
}

// rollback leaves the session without a transaction.
func (w *writer) rollback(why error) {
	if _, err := w.session.exec("ROLLBACK"); err != nil && code(err) != errorCode {
		why = errors.Join(why, err)
	}
	_ = w.mend(why)
}

// errorCode is what SQLite answers when there is no transaction to roll back.
const errorCode = 1

// mend closes a session that err may have broken: the next write opens another.
func (w *writer) mend(err error) error {
	if err != nil && broken(err) {
		err = errors.Join(err, w.session.close())
		w.session = nil
	}
	return err
}

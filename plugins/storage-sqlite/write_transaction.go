package sqlitestore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

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
		w.refuse(first, err)
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

package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Error is a classified error. Message is one lower-case sentence. If this process made the error,
// callers may read Message, and Message has no secrets in it. If a plugin made the error, only the
// operator may read Message. ForCallers returns the text that callers may read.
type Error struct {
	Class   Class
	Message string
	// Told is the text for callers instead of Message. It may be empty.
	Told string
	// Path names the wrong field. It may be empty.
	Path Path
	// Party is who is to blame. New sets the usual party of the class.
	Party Party
	// RetryAfter is the time after which a retry makes sense. 0 means unknown.
	RetryAfter time.Duration
	// UpstreamStatus is the HTTP status of the upstream. 0 means none.
	UpstreamStatus int
	// Retryable says that a retry may succeed. New sets the usual value of the class.
	Retryable bool
	// Origin says where Message was written. It is never sent to another process.
	Origin Origin
	// Err is the cause, for errors.Is and logs. It is never sent to another process.
	Err error

	// usual says that no call of By has set Party, so that Party is that of the table of classes.
	usual bool
}

// New returns an error of the class with the class's usual party and retryability. If format has a
// %w, New stores the cause. If the cause is an Error, the new error gets its origin, because the
// message contains the cause's text.
func New(class Class, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	e := &Error{
		Class: class, Message: wrapped.Error(), Party: class.party(OriginHere), Retryable: classes[class].retryable,
		Err: errors.Unwrap(wrapped), usual: true,
	}
	var inner *Error
	if errors.As(wrapped, &inner) {
		e.Origin = inner.Origin
	}
	return e
}

// At sets the path of the wrong field and returns e. Each argument is one segment:
// At("connection", "host") names the key host in the block connection.
func (e *Error) At(path ...string) *Error { e.Path = path; return e }

// After sets the time after which a retry makes sense, marks e as retryable, and returns e.
func (e *Error) After(d time.Duration) *Error { e.RetryAfter = d; e.Retryable = true; return e }

// By sets the party that is to blame and returns e.
func (e *Error) By(p Party) *Error { e.Party, e.usual = p, false; return e }

// Telling sets the text for callers and returns e. The text must not contain anything that a plugin
// or an upstream wrote.
func (e *Error) Telling(format string, args ...any) *Error {
	e.Told = fmt.Sprintf(format, args...)
	return e
}

// Upstream sets the upstream's HTTP status and returns e.
func (e *Error) Upstream(status int) *Error { e.UpstreamStatus = status; return e }

func (e *Error) Error() string {
	if len(e.Path) > 0 {
		return e.Path.String() + ": " + e.Message
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Of returns the first Error in the chain of err. If there is none, Of builds one: the errors of
// package context become Deadline and Canceled, a gRPC status becomes its class, and any other
// error becomes Internal. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return New(Deadline, "no answer in time: %w", err)
	case errors.Is(err, context.Canceled):
		return New(Canceled, "the call was canceled: %w", err)
	}
	if s := fromStatus(err); s != nil {
		return s
	}
	return New(Internal, "%w", err)
}

// Is reports whether the class of Of(err) is class.
func Is(err error, class Class) bool { return err != nil && Of(err).Class == class }

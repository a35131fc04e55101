package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Error is a classified error. Message is one lower-case sentence. Of an error that
// was made here it may be shown to the caller, and has no secrets in it; one that
// came from elsewhere is the operator's to read. ForCallers knows the difference.
type Error struct {
	Class          Class
	Message        string
	Told           string        // what callers are told instead of Message; may be empty
	Path           string        // field at fault, dotted; may be empty
	Party          Party         // New sets the class's usual one
	RetryAfter     time.Duration // 0: unknown
	UpstreamStatus int           // HTTP status of the upstream; 0: none
	Retryable      bool          // New sets the class's usual value
	Origin         Origin        // who wrote Message; never sent
	Err            error         // cause, for errors.Is and logs; never sent

	usual bool // nobody said who is to blame: Party is the table's
}

// New makes an error of the class with its usual party and retryability. A %w
// in format keeps the cause, and with it the origin of what is now in the message.
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

// At sets the field at fault and returns e.
func (e *Error) At(path string) *Error { e.Path = path; return e }

// After sets the time after which a retry makes sense and returns e.
func (e *Error) After(d time.Duration) *Error { e.RetryAfter = d; e.Retryable = true; return e }

// By sets whose fault it is and returns e.
func (e *Error) By(p Party) *Error { e.Party, e.usual = p, false; return e }

// Telling sets what callers are told instead of Message and returns e. The text must
// have nothing in it that a plugin or an upstream wrote.
func (e *Error) Telling(format string, args ...any) *Error {
	e.Told = fmt.Sprintf(format, args...)
	return e
}

// Upstream sets the upstream's HTTP status and returns e.
func (e *Error) Upstream(status int) *Error { e.UpstreamStatus = status; return e }

func (e *Error) Error() string {
	if e.Path != "" {
		return e.Path + ": " + e.Message
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Of finds the classified error in err's chain, or makes one: context errors
// become Deadline and Canceled, gRPC statuses their class, all else Internal.
// Of(nil) is nil.
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

// Is reports whether err is of the class, as Of sees it.
func Is(err error, class Class) bool { return err != nil && Of(err).Class == class }

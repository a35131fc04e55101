package fault

import (
	"time"

	faultv1 "github.com/botyard/botyard/sdk/proto/botyard/fault/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// wire maps each class to its number in the protocol and to the gRPC code that
// callers without our detail see. Canceled has no class of its own there: the
// gRPC code says it.
var wire = map[Class]struct {
	proto faultv1.Class
	code  codes.Code
}{
	Internal:          {faultv1.Class_CLASS_INTERNAL, codes.Internal},
	NotFound:          {faultv1.Class_CLASS_NOT_FOUND, codes.NotFound},
	Invalid:           {faultv1.Class_CLASS_INVALID, codes.InvalidArgument},
	Conflict:          {faultv1.Class_CLASS_CONFLICT, codes.Aborted},
	Unauthenticated:   {faultv1.Class_CLASS_UNAUTHENTICATED, codes.Unauthenticated},
	Forbidden:         {faultv1.Class_CLASS_FORBIDDEN, codes.PermissionDenied},
	RateLimited:       {faultv1.Class_CLASS_RATE_LIMITED, codes.ResourceExhausted},
	QuotaExhausted:    {faultv1.Class_CLASS_QUOTA_EXHAUSTED, codes.ResourceExhausted},
	ContextTooLong:    {faultv1.Class_CLASS_CONTEXT_TOO_LONG, codes.InvalidArgument},
	ContentFiltered:   {faultv1.Class_CLASS_CONTENT_FILTERED, codes.FailedPrecondition},
	ProviderFailed:    {faultv1.Class_CLASS_PROVIDER_FAILED, codes.Unavailable},
	PluginUnavailable: {faultv1.Class_CLASS_PLUGIN_UNAVAILABLE, codes.Unavailable},
	Deadline:          {faultv1.Class_CLASS_DEADLINE, codes.DeadlineExceeded},
	Canceled:          {faultv1.Class_CLASS_UNSPECIFIED, codes.Canceled},
	UnknownInstance:   {faultv1.Class_CLASS_UNKNOWN_INSTANCE, codes.FailedPrecondition},
}

// byCode reads a status that came without our detail: from grpc itself, or from
// a plugin in another language that sends codes alone.
var byCode = map[codes.Code]Class{
	codes.NotFound:           NotFound,
	codes.InvalidArgument:    Invalid,
	codes.OutOfRange:         Invalid,
	codes.Aborted:            Conflict,
	codes.AlreadyExists:      Conflict,
	codes.Unauthenticated:    Unauthenticated,
	codes.PermissionDenied:   Forbidden,
	codes.ResourceExhausted:  RateLimited,
	codes.Unavailable:        PluginUnavailable,
	codes.DeadlineExceeded:   Deadline,
	codes.Canceled:           Canceled,
	codes.FailedPrecondition: Invalid,
}

// ToStatus turns any error into the gRPC status error that carries it. Nil stays
// nil.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	e := Of(err)
	w := wire[e.Class]
	s := status.New(w.code, e.Message)
	if w.proto == faultv1.Class_CLASS_UNSPECIFIED {
		return s.Err()
	}
	detailed, detailErr := s.WithDetails(&faultv1.Fault{
		Class: w.proto, Message: e.Message, Path: e.Path, Party: faultv1.Party(e.Party),
		RetryAfterMs: e.RetryAfter.Milliseconds(), UpstreamStatus: int32(e.UpstreamStatus),
		Retryable: e.Retryable,
	})
	if detailErr != nil {
		return s.Err()
	}
	return detailed.Err()
}

// fromStatus answers nil when err is no gRPC status.
func fromStatus(err error) *Error {
	s, ok := status.FromError(err)
	if !ok || s.Code() == codes.OK {
		return nil
	}
	for _, d := range s.Details() {
		f, ok := d.(*faultv1.Fault)
		if !ok {
			continue
		}
		for class, w := range wire {
			if w.proto == f.Class && f.Class != faultv1.Class_CLASS_UNSPECIFIED {
				return &Error{
					Class: class, Message: f.Message, Path: f.Path, Party: Party(f.Party),
					RetryAfter:     time.Duration(f.RetryAfterMs) * time.Millisecond,
					UpstreamStatus: int(f.UpstreamStatus), Retryable: f.Retryable, Err: err,
				}
			}
		}
	}
	class, known := byCode[s.Code()]
	if !known {
		class = Internal
	}
	e := New(class, "%s", s.Message())
	e.Err = err
	return e
}

package fault

import (
	"strings"
	"time"
	"unicode/utf8"

	faultv1 "github.com/botyard/botyard/sdk/proto/botyard/fault/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// wire maps each class to its number in the protocol, and to the gRPC code for readers that do not
// know Fault. The protocol has no number for Canceled, because its gRPC code is enough.
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
	Unsupported:       {faultv1.Class_CLASS_UNSUPPORTED, codes.Unimplemented},
	UnknownInstance:   {faultv1.Class_CLASS_UNKNOWN_INSTANCE, codes.FailedPrecondition},
}

// ToStatus returns err as a gRPC status error with a Fault. It returns nil for nil.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	e := *Of(err)
	e.Message, e.Path = sendable(e.Message), sendablePath(e.Path)
	w, known := wire[e.Class]
	if !known { // an unknown class is sent as Internal
		w = wire[Internal]
	}
	s := status.New(w.code, e.Message)
	if w.proto == faultv1.Class_CLASS_UNSPECIFIED {
		return s.Err()
	}
	f := &faultv1.Fault{
		Class: w.proto, Message: e.Message, Path: e.Path, Party: faultv1.Party(e.Party),
		RetryAfterMs: e.RetryAfter.Milliseconds(), UpstreamStatus: int32(e.UpstreamStatus),
	}
	if e.usual { // without a party, the receiver derives the party from the class and the origin
		f.Party = faultv1.Party_PARTY_UNSPECIFIED
	}
	if known && e.Retryable != classes[e.Class].retryable {
		f.Retryable = &e.Retryable
	}
	detailed, detailErr := s.WithDetails(f)
	if detailErr != nil {
		return s.Err()
	}
	return detailed.Err()
}

// MaxText bounds the message, and all segments of the path, of an error that is sent to another process, in bytes.
// gRPC sends them in a header, and headers are small.
const MaxText = 8 << 10

// sendable returns the text as valid UTF-8 of at most MaxText bytes.
func sendable(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > MaxText {
		end := MaxText - len("...")
		for end > 0 && !utf8.RuneStart(text[end]) {
			end-- // do not cut within a character
		}
		text = text[:end]
		text += "..."
	}
	return text
}

// fromStatus converts a gRPC status error to an Error. It returns nil if err is not a gRPC status
// error. It checks all values, because a plugin may be written in any language.
func fromStatus(err error) *Error {
	s, ok := status.FromError(err)
	if !ok || s.Code() == codes.OK {
		return nil
	}
	class := byCode[s.Code()] // a code that is not in byCode gives Internal
	for _, d := range s.Details() {
		f, ok := d.(*faultv1.Fault)
		if !ok {
			continue
		}
		for c, w := range wire {
			if w.proto == f.Class && f.Class != faultv1.Class_CLASS_UNSPECIFIED {
				class = c
			}
		}
		return told(class, f, err)
	}
	return fromBareStatus(s, err)
}

// maxRetryAfter is the longest RetryAfter that is accepted from a plugin.
const maxRetryAfter = 24 * time.Hour

// told returns the Error for a Fault that a plugin sent. A Fault with a RetryAfter is retryable,
// unless the Fault says otherwise. An Error that is not retryable has no RetryAfter.
func told(class Class, f *faultv1.Fault, cause error) *Error {
	e := &Error{
		Class: class, Message: sendable(f.Message), Path: sendablePath(f.Path), Party: Party(f.Party),
		RetryAfter: time.Duration(min(max(f.RetryAfterMs, 0), maxRetryAfter.Milliseconds())) * time.Millisecond,
		Err:        cause,
	}
	if f.UpstreamStatus >= 100 && f.UpstreamStatus <= 599 {
		e.UpstreamStatus = int(f.UpstreamStatus)
	}
	e.Retryable = classes[class].retryable || e.RetryAfter > 0
	if f.Retryable != nil {
		e.Retryable = *f.Retryable
	}
	if !e.Retryable {
		e.RetryAfter = 0
	}
	if e.Message == "" {
		e.Message = "no reason was given"
	}
	return e.From(OriginPlugin)
}

package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	faultv1 "github.com/botyard/botyard/sdk/proto/botyard/fault/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	// ErrTooLarge is wrapped by the errors for a message that is larger than the sender or the
	// receiver accepts.
	ErrTooLarge = errors.New("a message is too large")
	// ErrRequestTooLarge wraps ErrTooLarge. The request was too large for the server.
	ErrRequestTooLarge = fmt.Errorf("%w: the request", ErrTooLarge)
	// ErrAnswerTooLarge wraps ErrTooLarge. The answer was too large for the server or the client.
	ErrAnswerTooLarge = fmt.Errorf("%w: the answer", ErrTooLarge)
)

// byCode maps a gRPC code without a Fault to a class. Codes that are not in the map are Internal.
var byCode = map[codes.Code]Class{
	codes.NotFound:           NotFound,
	codes.InvalidArgument:    Invalid,
	codes.OutOfRange:         Invalid,
	codes.FailedPrecondition: Invalid,
	codes.Aborted:            Conflict,
	codes.AlreadyExists:      Conflict,
	codes.Unauthenticated:    Unauthenticated,
	codes.PermissionDenied:   Forbidden,
	codes.ResourceExhausted:  RateLimited,
	codes.Unavailable:        PluginUnavailable,
	codes.DeadlineExceeded:   Deadline,
	codes.Canceled:           Canceled,
	codes.Unimplemented:      Unsupported,
}

// libraryRule says what a gRPC library means by a status that the library made itself. The server's
// author did not write such a status, so that the code alone says too little or something wrong.
type libraryRule struct {
	codes  []codes.Code // the codes of the status; none means any code
	begins []string     // the message begins with one of these texts
	class  Class
	says   string // comes before the message
	cause  error  // is wrapped, if it is set
}

// libraryRules are the rules for the statuses of gRPC libraries, by the text that each library has
// in its source. The first rule that fits counts.
var libraryRules = []libraryRule{
	{
		codes: []codes.Code{codes.ResourceExhausted, codes.OutOfRange},
		begins: []string{
			"grpc: received message larger than max",       // Go
			"grpc: message after decompression larger",     // Go
			"grpc: received message after decompression",   // Go
			"Received message larger than max",             // JavaScript; older C++, Python, Ruby and PHP
			"SERVER: Received message larger than max",     // C++, Python, Ruby, PHP
			"Received message that decompresses to a size", // JavaScript
			"gRPC message exceeds maximum size",            // Java
			"Decompressed gRPC message exceeds maximum",    // Java
			"Compressed gRPC message exceeds maximum",      // older Java
			"Received message exceeds the maximum",         // C#
			"Error, decoded message length too large",      // Rust
		},
		class: Invalid, says: "the request is larger than the plugin's gRPC server takes: ", cause: ErrRequestTooLarge,
	},
	{
		codes: []codes.Code{codes.ResourceExhausted, codes.OutOfRange},
		begins: []string{
			"trying to send message larger than max",       // Go
			"Sent message larger than max",                 // JavaScript; older C++, Python, Ruby and PHP
			"SERVER: Sent message larger than max",         // C++, Python, Ruby, PHP
			"Attempted to send message with a size larger", // JavaScript
			"message too large ",                           // Java
			"Sending message exceeds the maximum",          // C#
			"Error, encoded message length too large",      // Rust
		},
		class: Internal, says: "the answer is larger than the plugin's gRPC server sends: ", cause: ErrAnswerTooLarge,
	},
	{
		codes: []codes.Code{codes.Unknown},
		begins: []string{
			"Exception calling application: ",    // Python
			"Exception iterating responses: ",    // Python
			"Exception iterating requests!",      // Python
			"Unexpected <class ",                 // Python with asyncio
			"Server method handler threw error ", // JavaScript
			"Application error processing RPC",   // Java
			"Exception was thrown by handler.",   // C#
			"Unexpected error in RPC handling",   // C++
		},
		class: Internal, says: "the plugin's code failed with an exception: ",
	},
	// The host's own library writes the texts of the rules below. They say how the plugin's server
	// broke a call off, or that the server is none of gRPC.
	{begins: []string{resetText + "REFUSED_STREAM"}, class: PluginUnavailable, says: "the plugin's gRPC server refused the call: "},
	{begins: []string{resetText + "ENHANCE_YOUR_CALM"}, class: RateLimited, says: "the plugin's gRPC server has too many calls: "},
	{codes: []codes.Code{codes.Canceled}, begins: []string{resetText}, class: Canceled, says: "the plugin's gRPC server broke the call off: "},
	{codes: []codes.Code{codes.DeadlineExceeded}, begins: []string{resetText}, class: Deadline, says: "the plugin's gRPC server broke the call off: "},
	{begins: []string{resetText}, class: Internal, says: "the plugin's gRPC server broke the call off: "},
	{
		codes:  []codes.Code{codes.Unauthenticated, codes.PermissionDenied},
		begins: []string{"unexpected HTTP status code received from server"},
		class:  Internal, says: "the plugin does not answer as a gRPC server does: ",
	},
}

const resetText = "stream terminated by RST_STREAM with error code: "

// fromBareStatus returns the Error for a gRPC status that has no Fault. The plugin is to blame for a
// status that a gRPC library made, and for a call that the plugin does not have. Of other statuses
// the class and the origin decide.
func fromBareStatus(s *status.Status, cause error) *Error {
	f := &faultv1.Fault{Message: s.Message()}
	for _, r := range libraryRules {
		if len(r.codes) > 0 && !slices.Contains(r.codes, s.Code()) ||
			!slices.ContainsFunc(r.begins, func(text string) bool { return strings.HasPrefix(f.Message, text) }) {
			continue
		}
		f.Message = r.says + f.Message
		if r.class != Canceled && r.class != Deadline && r.class != PluginUnavailable {
			f.Party = faultv1.Party_PARTY_PLUGIN
		}
		if r.cause != nil {
			cause = errors.Join(r.cause, cause)
		}
		return told(r.class, f, cause)
	}
	if s.Code() == codes.Unimplemented {
		f.Party = faultv1.Party_PARTY_PLUGIN
	}
	return told(byCode[s.Code()], f, cause) // a code that is not in byCode gives Internal
}

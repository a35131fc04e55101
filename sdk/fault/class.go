package fault

import (
	"fmt"
)

// Class says what kind of failure happened.
type Class int

const (
	Internal          Class = iota
	NotFound                // what was named does not exist
	Invalid                 // the request, or the configuration at Path, is wrong
	Conflict                // something else holds what is needed, or a fence is stale
	Unauthenticated         // credentials are missing or not accepted
	Forbidden               // credentials are good, and this is not for them
	RateLimited             // too many calls; RetryAfter says when to come again
	QuotaExhausted          // the account has nothing left; a retry does not help
	ContextTooLong          // the model's context window is too small for the conversation
	ContentFiltered         // the provider refused the content
	ProviderFailed          // the upstream failed; UpstreamStatus is what it answered
	PluginUnavailable       // the plugin process is not there, or went away during the call
	Deadline                // no answer in time
	Canceled                // the caller went away
	UnknownInstance         // the plugin process does not know the instance (protocol only)
)

// String is the class's stable name, for example "not_found".
func (c Class) String() string {
	if t, ok := classes[c]; ok {
		return t.name
	}
	return fmt.Sprintf("class_%d", int(c))
}

// Known reports whether the class is one of this package's. What comes over the protocol
// may be any number.
func (c Class) Known() bool {
	_, ok := classes[c]
	return ok
}

// ParseClass is the inverse of String.
func ParseClass(name string) (Class, bool) {
	for c, t := range classes {
		if t.name == name {
			return c, true
		}
	}
	return Internal, false
}

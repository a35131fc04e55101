package fault

import (
	"fmt"
)

// Class says what kind of failure happened.
type Class int

const (
	Internal          Class = iota
	NotFound                // something that the call names does not exist
	Invalid                 // the request, or the configuration at Path, is wrong
	Conflict                // another turn or process holds the resource, or a fence is outdated
	Unauthenticated         // credentials are missing or invalid
	Forbidden               // the credentials are valid but do not allow the call
	RateLimited             // too many calls; RetryAfter says when to retry
	QuotaExhausted          // the account's quota is used up; a retry does not help
	ContextTooLong          // the model's context window is too small for the conversation
	ContentFiltered         // the provider refused the content
	ProviderFailed          // the upstream failed; UpstreamStatus is its HTTP status
	PluginUnavailable       // the plugin process does not run, or stopped during the call
	Deadline                // there was no response in time
	Canceled                // the caller canceled the call
	Unsupported             // the plugin does not have the call, or cannot take what the call asks for
	UnknownInstance         // the plugin process does not have the instance; used between host and plugin only
)

// String returns the stable name of the class, such as "not_found".
func (c Class) String() string {
	if t, ok := classes[c]; ok {
		return t.name
	}
	return fmt.Sprintf("class_%d", int(c))
}

// Known reports whether this version defines the class. A class that came over the protocol may be
// any number.
func (c Class) Known() bool {
	_, ok := classes[c]
	return ok
}

// ParseClass returns the class with this name, and whether there is one. It is the inverse of
// String.
func ParseClass(name string) (Class, bool) {
	for c, t := range classes {
		if t.name == name {
			return c, true
		}
	}
	return Internal, false
}

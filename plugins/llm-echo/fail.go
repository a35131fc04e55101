package echo

import (
	"github.com/botyard/botyard/sdk/fault"
)

// Fail says how calls fail. The schema has no defaults for its fields, because a default would create the
// block fail in configurations that do not have it.
type Fail struct {
	Class        string `json:"class" jsonschema:"required" jsonschema_description:"The class of the error, for example rate_limited or provider_failed."`
	Message      string `json:"message,omitempty" jsonschema_description:"The error's message."`
	AfterTokens  int    `json:"after_tokens,omitempty" jsonschema:"minimum=0" jsonschema_description:"Tokens that are streamed before the failure; a shorter reply fails at its end."`
	Times        int    `json:"times,omitempty" jsonschema:"minimum=0" jsonschema_description:"Only the first so many calls of this instance fail; 0 makes all fail."`
	RetryAfterMS int    `json:"retry_after_ms,omitempty" jsonschema:"minimum=0" jsonschema_description:"Milliseconds after which the error says that a retry makes sense; 0 says nothing."`
}

// fault returns the configured error. Config.check has already verified the class.
func (f *Fail) fault() *fault.Error {
	class, _ := fault.ParseClass(f.Class)
	message := f.Message
	if message == "" {
		message = "the echo was told to fail"
	}
	err := fault.New(class, "%s", message)
	if f.RetryAfterMS > 0 {
		err = err.After(milliseconds(f.RetryAfterMS))
	}
	return err
}

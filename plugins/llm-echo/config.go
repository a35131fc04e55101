package echo

import (
	"errors"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// Config is the configuration block llm with provider = "echo". All keys are optional.
type Config struct {
	Model string `json:"model,omitempty" botyard:"tenant" jsonschema:"default=echo" jsonschema_description:"Any name; it is reported as the model of each reply."`

	APIKey  string `json:"api_key,omitempty" botyard:"secret,operator-only" jsonschema_description:"Accepted and never used, so that the handling of secrets can be tried offline."`
	BaseURL string `json:"base_url,omitempty" botyard:"endpoint,operator-only" jsonschema_description:"Accepted and never contacted, so that the handling of endpoints can be tried offline."`

	Reply             string `json:"reply,omitempty" botyard:"tenant" jsonschema_description:"A fixed reply, whatever was said."`
	Tokens            int    `json:"tokens,omitempty" botyard:"operator-only" jsonschema:"minimum=0,maximum=10000000" jsonschema_description:"Makes every reply this many short tokens long; 0 gives the natural reply. Not together with reply."`
	FirstTokenDelayMS int    `json:"first_token_delay_ms,omitempty" botyard:"operator-only" jsonschema:"minimum=0,maximum=86400000" jsonschema_description:"Milliseconds before the first token."`
	TokenDelayMS      int    `json:"token_delay_ms,omitempty" botyard:"operator-only" jsonschema:"minimum=0,maximum=86400000" jsonschema_description:"Milliseconds before each further token."`

	Fail             *Fail `json:"fail,omitempty" botyard:"operator-only" jsonschema_description:"Makes calls fail."`
	HangAfterTokens  *int  `json:"hang_after_tokens,omitempty" botyard:"operator-only" jsonschema:"minimum=-1" jsonschema_description:"Hangs after this many tokens until the call is given up; -1 or unset is never."`
	CrashAfterTokens *int  `json:"crash_after_tokens,omitempty" botyard:"operator-only" jsonschema:"minimum=-1" jsonschema_description:"Ends the plugin's process after this many tokens; -1 or unset is never."`
}

// Validate implements sdk.Validator.
func (c *Config) Validate(sdk.Env) error { return c.check() }

// check returns the joined errors for values that the schema cannot exclude. It also repeats some
// checks of the schema, because a caller of New may not have used the schema.
func (c *Config) check() error {
	var errs []error
	for _, n := range []struct {
		path  string
		value int
	}{
		{"tokens", c.Tokens}, {"token_delay_ms", c.TokenDelayMS}, {"first_token_delay_ms", c.FirstTokenDelayMS},
	} {
		if n.value < 0 {
			errs = append(errs, invalid(n.path, "must not be negative"))
		}
	}
	if c.Tokens > 0 && c.Reply != "" {
		errs = append(errs, invalid("tokens", "reply fixes the reply already; set one of the two"))
	}
	if c.Fail != nil {
		if _, ok := fault.ParseClass(c.Fail.Class); !ok {
			errs = append(errs, invalid("fail.class", "%q is no class of error; expected one such as rate_limited or provider_failed", c.Fail.Class))
		}
		if c.Fail.AfterTokens < 0 || c.Fail.Times < 0 || c.Fail.RetryAfterMS < 0 {
			errs = append(errs, invalid("fail", "after_tokens, times and retry_after_ms must not be negative"))
		}
	}
	return errors.Join(errs...)
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func invalid(path, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(fault.Keys(path)...).By(fault.PartyTenant)
}

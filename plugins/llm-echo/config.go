package echo

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// Config is the configuration block llm with provider = "echo". All keys are optional.
type Config struct {
	Model string `json:"model,omitempty" botyard:"tenant" jsonschema:"default=echo" jsonschema_description:"Any name; it is reported as the model of each reply."`

	APIKey  string `json:"api_key,omitempty" botyard:"secret,operator-only" jsonschema_description:"Accepted and never used, so that the handling of secrets can be tried offline."`
	BaseURL string `json:"base_url,omitempty" botyard:"endpoint,operator-only" jsonschema_description:"Accepted and never contacted, so that the handling of endpoints can be tried offline."`

	Reply             string `json:"reply,omitempty" botyard:"tenant,override" jsonschema_description:"A fixed reply, whatever was said."`
	Reasoning         string `json:"reasoning,omitempty" botyard:"tenant,override" jsonschema_description:"A fixed reasoning before each reply."`
	Tokens            int    `json:"tokens,omitempty" botyard:"operator-only,override" jsonschema:"minimum=0,maximum=10000000" jsonschema_description:"Makes every reply this many short tokens long; 0 gives the natural reply. Not together with reply."`
	ReplyParts        string `json:"reply_parts,omitempty" botyard:"operator-only" jsonschema_description:"A fixed reply of any parts, as a JSON list of them in the form that turns have in exports."`
	ShowRequest       bool   `json:"show_request,omitempty" botyard:"operator-only" jsonschema_description:"Replies with the messages that the plugin was given, as JSON."`
	FirstTokenDelayMS int    `json:"first_token_delay_ms,omitempty" botyard:"operator-only" jsonschema:"minimum=0,maximum=86400000" jsonschema_description:"Milliseconds before the first token."`
	TokenDelayMS      int    `json:"token_delay_ms,omitempty" botyard:"operator-only" jsonschema:"minimum=0,maximum=86400000" jsonschema_description:"Milliseconds before each further token."`

	EmbeddingDimensions int `json:"embedding_dimensions,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=4096,default=64" jsonschema_description:"The length of the vectors."`

	Maker string `json:"maker,omitempty" botyard:"operator-only" jsonschema:"maxLength=256" jsonschema_description:"Says whose provider states the plugin takes back; the default is none."`
	Takes *Takes `json:"takes,omitempty" botyard:"operator-only" jsonschema_description:"What the plugin takes. Without it, the plugin takes everything."`

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
		{"tokens", c.Tokens}, {"token_delay_ms", c.TokenDelayMS}, {"first_token_delay_ms", c.FirstTokenDelayMS}, {"embedding_dimensions", c.EmbeddingDimensions},
	} {
		if n.value < 0 {
			errs = append(errs, invalid(n.path, "must not be negative"))
		}
	}
	if c.EmbeddingDimensions > maxDimensions {
		errs = append(errs, invalid("embedding_dimensions", "is %d; at most %d are allowed", c.EmbeddingDimensions, maxDimensions))
	}
	if c.Tokens > 0 && c.Reply != "" {
		errs = append(errs, invalid("tokens", "reply fixes the reply already; set one of the two"))
	}
	if len(c.Maker) > sdk.MaxMakerBytes {
		errs = append(errs, invalid("maker", "has %d bytes; at most %d are allowed", len(c.Maker), sdk.MaxMakerBytes))
	}
	if _, err := c.replyParts(); err != nil {
		errs = append(errs, err)
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

// replyParts returns the parts of reply_parts.
func (c *Config) replyParts() (parts []chat.Part, err error) {
	if c.ReplyParts == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(c.ReplyParts), &parts); err != nil || len(parts) == 0 {
		return nil, invalid("reply_parts", "is not a JSON list of parts")
	}
	for i := range parts {
		if err := (&llm.Delta{Part: parts[i]}).Check(); err != nil {
			return nil, invalid("reply_parts", "part %d: %v", i, err)
		}
	}
	return parts, nil
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func invalid(path, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(fault.Keys(path)...).By(fault.PartyTenant)
}

package anthropic

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/upstream"
	"golang.org/x/net/http/httpguts"
)

// Config is the configuration block llm with provider = "anthropic". New replaces empty fields by the
// schema's defaults.
type Config struct {
	BaseURL     string `json:"base_url,omitempty" botyard:"endpoint,operator-only" jsonschema:"default=https://api.anthropic.com" jsonschema_description:"Where the Messages API is; a path before /v1 is kept."`
	APIKey      string `json:"api_key,omitempty" botyard:"secret,operator-only" jsonschema_description:"Sent as x-api-key, and to other servers than Anthropic's as bearer token too. Anthropic's own API needs it."`
	Model       string `json:"model" botyard:"operator-only" jsonschema:"required,minLength=1,maxLength=256" jsonschema_description:"The model's id, as in claude-sonnet-5-5."`
	ContextSize int64  `json:"context_size,omitempty" botyard:"operator-only" jsonschema:"minimum=1" jsonschema_description:"How many tokens the model's context has; the default is what the server says of the model."`

	MaxTokens   int64    `json:"max_tokens,omitempty" botyard:"lower-only,override" jsonschema:"minimum=1,default=8192" jsonschema_description:"The most tokens of a reply, thinking included. A request can only ask for fewer."`
	Temperature *float64 `json:"temperature,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"How freely the model chooses its words. Models of the newest generations refuse it. The default is the model's."`
	TopP        *float64 `json:"top_p,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The model chooses among the most likely tokens that have this probability together. Models of the newest generations refuse it."`
	Stop        []string `json:"stop,omitempty" botyard:"tenant,override" jsonschema:"maxItems=64" jsonschema_description:"Texts at which a reply ends, and which it does not contain."`
	Seed        *int64   `json:"seed,omitempty" botyard:"operator-only" jsonschema_description:"Refused: Anthropic's models have no seed."`

	Options Options `json:"options,omitempty" botyard:"operator-only" jsonschema_description:"What only Anthropic has."`
}

// Options are the parameters that only Anthropic's API has. A key that is not here is an error.
type Options struct {
	TopK            *int64   `json:"top_k,omitempty" botyard:"tenant,override" jsonschema:"minimum=0" jsonschema_description:"How many of the most likely tokens the model chooses from. Models of the newest generations refuse it."`
	Thinking        string   `json:"thinking,omitempty" botyard:"tenant,override" jsonschema:"enum=adaptive,enum=enabled,enum=disabled,enum=between_tools" jsonschema_description:"Whether the model thinks before it replies: 'adaptive' lets it decide, 'enabled' needs thinking_budget. The default is the model's."`
	ThinkingBudget  int64    `json:"thinking_budget,omitempty" botyard:"tenant,override" jsonschema:"minimum=1024" jsonschema_description:"The most tokens of thinking, less than max_tokens. It enables thinking."`
	ThinkingDisplay string   `json:"thinking_display,omitempty" botyard:"tenant,override" jsonschema:"enum=summarized,enum=omitted" jsonschema_description:"Whether the thinking is shown as a summary or not at all. The default is the model's."`
	Effort          string   `json:"effort,omitempty" botyard:"tenant,override" jsonschema:"enum=low,enum=medium,enum=high,enum=xhigh,enum=max" jsonschema_description:"How much work the model puts into a reply. The default is the model's."`
	Citations       bool     `json:"citations,omitempty" botyard:"tenant,override" jsonschema_description:"Whether the reply cites the documents in messages."`
	Cache           string   `json:"cache,omitempty" botyard:"operator-only" jsonschema:"enum=5m,enum=1h,enum=off,default=5m" jsonschema_description:"How long the server keeps the front of a conversation that the next request begins with too; 'off' marks nothing for it."`
	ServiceTier     string   `json:"service_tier,omitempty" botyard:"operator-only" jsonschema:"enum=auto,enum=standard_only" jsonschema_description:"Whether the account's priority capacity is used. The default is the server's."`
	Speed           string   `json:"speed,omitempty" botyard:"operator-only" jsonschema:"enum=standard,enum=fast" jsonschema_description:"Whether the model generates faster, at another price. The default is the server's."`
	InferenceGeo    string   `json:"inference_geo,omitempty" botyard:"operator-only" jsonschema:"maxLength=64" jsonschema_description:"The region in which the model runs. The default is the workspace's."`
	Betas           []string `json:"betas,omitempty" botyard:"operator-only" jsonschema:"maxItems=32" jsonschema_description:"Names of beta features, sent as anthropic-beta."`
}

const (
	defaultBaseURL   = "https://api.anthropic.com"
	defaultMaxTokens = 8192
	leastThinking    = 1024 // the least budget of thinking that the API takes
)

// settings is a Config with parsed and checked values.
type settings struct {
	Config
	base *url.URL
}

// settings parses and checks c. Its error lists everything that is wrong with c.
func (c Config) settings() (settings, error) {
	s := settings{Config: c}
	s.APIKey = strings.TrimSpace(c.APIKey) // a file with a secret ends with a newline
	s.MaxTokens = cmp.Or(c.MaxTokens, defaultMaxTokens)
	s.Options.Cache = cmp.Or(c.Options.Cache, "5m")
	var errs []error
	check := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, invalid(key, format, args...))
		}
	}
	var err error
	if s.base, err = parseBase(c.BaseURL); err != nil {
		errs = append(errs, err)
	}
	check(c.Model == "", "model", "is missing; expected a model's id such as claude-sonnet-5-5")
	check(!httpguts.ValidHeaderFieldValue(s.APIKey), "api_key", "has characters that no HTTP header may have")
	check(s.APIKey == "" && s.base != nil && s.ownAPI(), "api_key", "is missing; %s needs one", s.base)
	check(c.Seed != nil, "seed", "is not known to Anthropic's models; leave the key out")
	check(c.ContextSize < 0, "context_size", "must be at least 1")
	check(c.MaxTokens < 0, "max_tokens", "must be at least 1")
	check(isOutside(c.Temperature), "temperature", "must be from 0 to 1")
	check(isOutside(c.TopP), "top_p", "must be from 0 to 1")
	check(slices.ContainsFunc(c.Stop, isBlank), "stop", "has a text of blanks only, which Anthropic refuses")
	return s, errors.Join(append(errs, s.checkOptions()...)...)
}

// checkOptions returns what is wrong with the block options, and which keys exclude each other.
func (s *settings) checkOptions() []error {
	var errs []error
	check := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, invalid("options", format, args...).At("options", key))
		}
	}
	o := &s.Options
	check(o.TopK != nil && *o.TopK < 0, "top_k", "must be at least 0")
	check(o.ThinkingBudget != 0 && o.ThinkingBudget < leastThinking, "thinking_budget", "must be at least %d", leastThinking)
	switch o.Thinking {
	case "", "enabled":
		check(o.Thinking != "" && o.ThinkingBudget == 0, "thinking_budget", "is missing, which thinking = \"enabled\" needs; or set thinking = \"adaptive\"")
	case "adaptive", "disabled", "between_tools":
		check(o.ThinkingBudget != 0, "thinking_budget", "goes with thinking = \"enabled\" only")
	default:
		check(true, "thinking", "must be one of adaptive, enabled, disabled, between_tools")
	}
	check(o.ThinkingBudget >= s.MaxTokens, "thinking_budget", "must be less than max_tokens, which is %d", s.MaxTokens)
	if s.thinksByBudget() {
		check(s.Temperature != nil && *s.Temperature != 1, "thinking_budget", "excludes a temperature other than 1")
		check(o.TopK != nil, "thinking_budget", "excludes top_k")
		check(s.TopP != nil && *s.TopP < 0.95, "thinking_budget", "excludes a top_p below 0.95")
	}
	check(o.ThinkingDisplay != "" && !s.thinks(), "thinking_display", "goes with thinking_budget or thinking = \"adaptive\" only")
	check(!isOneOf(o.ThinkingDisplay, "summarized", "omitted"), "thinking_display", "must be one of summarized, omitted")
	check(!isOneOf(o.Effort, "low", "medium", "high", "xhigh", "max"), "effort", "must be one of low, medium, high, xhigh, max")
	check(!isOneOf(o.Cache, "5m", "1h", "off"), "cache", "must be one of 5m, 1h, off")
	check(!isOneOf(o.ServiceTier, "auto", "standard_only"), "service_tier", "must be one of auto, standard_only")
	check(!isOneOf(o.Speed, "standard", "fast"), "speed", "must be one of standard, fast")
	check(slices.ContainsFunc(o.Betas, isNoBeta), "betas", "has a name that is none; expected one such as fast-mode-2026-02-01")
	return errs
}

// thinksByBudget reports whether the configuration sets a budget of tokens for thinking.
func (s *settings) thinksByBudget() bool { return s.Options.ThinkingBudget > 0 }

// thinks reports whether the configuration enables thinking.
func (s *settings) thinks() bool {
	return s.thinksByBudget() || s.Options.Thinking == "adaptive"
}

// ownAPI reports whether base_url names Anthropic's own server.
func (s *settings) ownAPI() bool { return strings.EqualFold(s.base.Hostname(), "api.anthropic.com") }

// isOneOf reports whether the value is empty or one of the known ones.
func isOneOf(value string, known ...string) bool { return value == "" || slices.Contains(known, value) }

// isOutside reports whether the number is set and is not from 0 to 1.
func isOutside(n *float64) bool { return n != nil && !(*n >= 0 && *n <= 1) }

func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

// isNoBeta reports whether the name cannot stand in the header anthropic-beta.
func isNoBeta(name string) bool {
	return isBlank(name) || strings.Contains(name, ",") || !httpguts.ValidHeaderFieldValue(name)
}

// parseBase parses base_url, which must not end with /v1. It returns the default for an empty text.
func parseBase(text string) (*url.URL, error) {
	u, err := upstream.ParseBaseURL(cmp.Or(text, defaultBaseURL), defaultBaseURL)
	if err == nil && strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1") {
		return nil, invalid("base_url", "must end before /v1, which the plugin adds")
	}
	return u, err
}

// invalid returns fault.Invalid at a configuration key, which blames the tenant.
func invalid(key, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).At(key).By(fault.PartyTenant)
}

// Validate implements sdk.Validator. Its error lists everything that is wrong with c.
func (c *Config) Validate(env sdk.Env) error {
	s, err := c.settings()
	if err != nil {
		return err
	}
	return upstream.CheckAddress(env.Dialer, s.base)
}

var _ sdk.Validator = (*Config)(nil)

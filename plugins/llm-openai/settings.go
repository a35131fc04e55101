package openaillm

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"regexp"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/botyard/botyard/sdk/upstream"
	"golang.org/x/net/http/httpguts"
)

const (
	defaultBaseURL = "https://api.openai.com/v1"
	defaultBatch   = 100
)

// The values of the key api.
const (
	apiAuto      = "auto"
	apiResponses = "responses"
	apiChat      = "chat"
)

// The most texts in stop, and the most bytes of one.
const (
	maxStops     = 16
	maxStopBytes = 1 << 10
)

// settings is a Config with parsed and checked values.
type settings struct {
	Config
	base      *url.URL // base_url; nil if it is invalid
	own       bool     // the server is OpenAI's own
	responses bool     // the plugin speaks the Responses API
}

// settings parses and checks c. Its error lists everything that is wrong with c.
func (c Config) settings() (settings, error) {
	var errs []error
	check := func(ok bool, path, format string, args ...any) {
		if !ok {
			errs = append(errs, invalid(path, format, args...))
		}
	}
	c.APIKey = strings.TrimSpace(c.APIKey) // a file with a secret ends with a newline
	c.EmbeddingModel = cmp.Or(c.EmbeddingModel, c.Model)
	c.EmbeddingBatch = cmp.Or(c.EmbeddingBatch, defaultBatch)
	c.API = cmp.Or(c.API, apiAuto)
	s := settings{Config: c}
	base, err := upstream.ParseBaseURL(cmp.Or(c.BaseURL, defaultBaseURL), defaultBaseURL)
	if err != nil {
		errs = append(errs, err)
	} else {
		s.base, s.own = base, c.Azure == nil && isOpenAI(base.Hostname())
	}
	check(c.Model != "", "model", "is missing; expected a model's id such as gpt-5-mini")
	for _, h := range []struct{ path, value string }{{"api_key", c.APIKey}, {"organization", c.Organization}, {"project", c.Project}} {
		check(httpguts.ValidHeaderFieldValue(h.value), h.path, "has characters that no HTTP header may have")
	}
	if err := c.checkAzure(s.base); err != nil {
		errs = append(errs, err)
	}
	for _, n := range []struct {
		path        string
		value       *float64
		least, most float64
	}{
		{"temperature", c.Temperature, 0, 2}, {"top_p", c.TopP, 0, 1},
		{"options.frequency_penalty", c.Options.FrequencyPenalty, -2, 2}, {"options.presence_penalty", c.Options.PresencePenalty, -2, 2},
		{"options.min_p", c.Options.MinP, 0, 1}, {"options.repetition_penalty", c.Options.RepetitionPenalty, 0, 2},
	} {
		check(n.value == nil || *n.value >= n.least && *n.value <= n.most, n.path, "must be a number from %v to %v", n.least, n.most)
	}
	check(c.MaxTokens == nil || *c.MaxTokens >= 1 && *c.MaxTokens <= math.MaxInt32, "max_tokens", "must be at least 1 and at most %d", math.MaxInt32)
	check(len(c.Stop) <= maxStops, "stop", "has %d texts; at most %d are allowed", len(c.Stop), maxStops)
	for _, text := range c.Stop {
		check(text != "" && len(text) <= maxStopBytes, "stop", "has a text that is empty or has more than %d bytes", maxStopBytes)
	}
	check(c.Dimensions >= 0, "dimensions", "must be at least 1")
	check(c.EmbeddingBatch >= 1 && c.EmbeddingBatch <= 2048, "embedding_batch", "must be from 1 to 2048")
	check(c.Parallel >= 0, "parallel", "must be at least 1")
	check(c.ContextSize >= 0, "context_size", "must be at least 1")
	only := c.onlyChat()
	switch c.API {
	case apiAuto:
		s.responses = s.own && len(only) == 0
	case apiResponses:
		s.responses = true
		for _, key := range only {
			errs = append(errs, invalid(key, `is not in the Responses API; remove it, or set api = "chat"`))
		}
	case apiChat:
	default:
		errs = append(errs, invalid("api", "expected auto, responses or chat"))
	}
	check(s.responses || c.Options.ReasoningSummary == "", "options.reasoning_summary", `is only in the Responses API; remove it, or set api = "responses"`)
	return s, errors.Join(errs...)
}

// onlyChat returns the keys that are set and that only chat completions have.
func (c Config) onlyChat() (keys []string) {
	o := c.Options
	for _, k := range []struct {
		key string
		set bool
	}{
		{"stop", len(c.Stop) > 0}, {"seed", c.Seed != nil},
		{"options.frequency_penalty", o.FrequencyPenalty != nil}, {"options.presence_penalty", o.PresencePenalty != nil},
		{"options.top_k", o.TopK != nil}, {"options.min_p", o.MinP != nil}, {"options.repetition_penalty", o.RepetitionPenalty != nil},
		{"options.chat_template_kwargs", len(o.ChatTemplateKwargs) > 0},
	} {
		if k.set {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// isOpenAI reports whether the host is one of OpenAI's own, such as api.openai.com and
// eu.api.openai.com.
func isOpenAI(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "api.openai.com" || strings.HasSuffix(host, ".api.openai.com")
}

// versionForm matches a version of Azure's API.
var versionForm = regexp.MustCompile(`^[0-9A-Za-z.-]{1,64}$`)

// checkAzure checks the block azure together with the base URL. Azure has two forms of the API. Below
// /openai/v1 it is like OpenAI's. Elsewhere it has a version, and a path for each deployment.
func (c Config) checkAzure(base *url.URL) error {
	switch {
	case c.Azure == nil || base == nil:
		return nil
	case c.Azure.APIVersion != "" && !versionForm.MatchString(c.Azure.APIVersion):
		return invalid("azure.api_version", "expected a version such as 2024-10-21, preview or v1")
	case c.Azure.APIVersion == "" && !hasV1(base):
		return invalid("azure.api_version", "is missing; set it, or let base_url end with /openai/v1")
	case c.API == apiResponses && !hasV1(base):
		return invalid("api", "the Responses API of Azure is below /openai/v1; let base_url end with it")
	}
	return nil
}

// hasV1 reports whether the base URL ends with /v1, as that of Azure's API that is like OpenAI's.
func hasV1(base *url.URL) bool { return strings.HasSuffix(strings.TrimRight(base.Path, "/"), "/v1") }

// overridden returns the settings of the instance with the overrides of a request, which are a JSON
// object. It returns fault.Invalid or fault.Unsupported with the path of an override that the instance
// does not take.
func (m *Model) overridden(overrides json.RawMessage) (settings, error) {
	if len(overrides) == 0 {
		return m.settings, nil
	}
	cfg, err := schema.Override(m.config, overrides)
	if err != nil {
		return settings{}, err
	}
	if most := m.config.MaxTokens; most != nil && cfg.MaxTokens != nil && *cfg.MaxTokens > *most {
		cfg.MaxTokens = most // a request can only ask for fewer
	}
	if m.responses {
		// An instance keeps to one API, because the reasoning of its conversations is of the Responses API.
		if only := cfg.onlyChat(); len(only) > 0 {
			return settings{}, fault.New(fault.Unsupported, `is not in the Responses API, which the bot uses; the key api = "chat" allows it`).
				At(fault.Keys(only[0]).Below("overrides")...)
		}
	}
	s, err := cfg.settings()
	if f := fault.Of(err); f != nil { // a value that the schema cannot refuse
		return settings{}, f.At(f.Path.Below("overrides")...).By(fault.PartyCaller)
	}
	s.responses = m.responses
	return s, nil
}

// invalid returns fault.Invalid at a configuration key, which blames the tenant.
func invalid(path, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).At(fault.Keys(path)...).By(fault.PartyTenant)
}

package ollama

import (
	"cmp"
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
	"golang.org/x/net/http/httpguts"
)

// Config is the configuration block llm with provider = "ollama". New replaces empty fields by the
// schema's defaults.
type Config struct {
	BaseURL        string `json:"base_url,omitempty" botyard:"endpoint,operator-only" jsonschema:"default=http://127.0.0.1:11434" jsonschema_description:"Where the Ollama server is; a path before /api is kept."`
	APIKey         string `json:"api_key,omitempty" botyard:"secret,operator-only" jsonschema_description:"Sent as bearer token, for servers behind a proxy that asks for one and for ollama.com."`
	Model          string `json:"model" botyard:"operator-only" jsonschema:"required,minLength=1" jsonschema_description:"The model's name and tag, as in gemma3:1b."`
	EmbeddingModel string `json:"embedding_model,omitempty" botyard:"operator-only" jsonschema_description:"The model that embeds texts; the default is model."`

	EmbeddingDimensions int `json:"embedding_dimensions,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=8192" jsonschema_description:"The length of the vectors, for models whose vectors can be cut. The default is the model's."`

	Temperature *float32 `json:"temperature,omitempty" botyard:"tenant,override" jsonschema:"minimum=0" jsonschema_description:"How freely the model chooses its words; 0 always takes the most likely one. The default is the model's."`
	TopP        *float32 `json:"top_p,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The model chooses among the most likely tokens that have this probability together. The default is the model's."`
	MaxTokens   *int     `json:"max_tokens,omitempty" botyard:"lower-only" jsonschema:"minimum=1" jsonschema_description:"The most tokens of a reply; a request may ask for fewer. Ollama's name for it is num_predict."`
	Stop        []string `json:"stop,omitempty" botyard:"tenant,override" jsonschema_description:"Texts at which a reply ends, and which it does not contain."`
	Seed        *int     `json:"seed,omitempty" botyard:"tenant,override" jsonschema_description:"Makes the choice of words the same for the same request, as far as the server can."`

	KeepAlive any     `json:"keep_alive,omitempty" botyard:"operator-only" jsonschema:"oneof_type=string;number" jsonschema_description:"How long the model stays in memory after a call: a duration as in 5m, or seconds; 0 unloads at once and a negative one never. The default is the server's."`
	Options   Options `json:"options,omitempty" botyard:"operator-only" jsonschema_description:"Ollama's own options of the model. A name that is none of them is an error. What has a key beside this block is set in one of the two places."`
	Think     any     `json:"think,omitempty" botyard:"tenant,override" jsonschema:"oneof_type=boolean;string" jsonschema_description:"Whether a thinking model thinks; some know low, medium and high instead. The default is the model's."`
	Truncate  *bool   `json:"truncate,omitempty" botyard:"tenant,override" jsonschema_description:"Whether the oldest messages are dropped when the context is too small, and the ends of texts that are embedded; false makes that an error. The default is the server's, which is true."`

	Pull        bool          `json:"pull,omitempty" botyard:"operator-only" jsonschema_description:"Whether the first call lets the server pull a model that it does not have. The calls until then fail with 'rate_limited'."`
	PullTimeout time.Duration `json:"pull_timeout,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=86400,default=3600" jsonschema_description:"Seconds that pulling a model may take."`

	Parallel int `json:"parallel,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=1000,default=1" jsonschema_description:"How many calls the server works on at once for this model, as its OLLAMA_NUM_PARALLEL says. More wait in the host, in turns by tenant; configurations with the same base_url and model share them."`
}

const (
	defaultBaseURL  = "http://127.0.0.1:11434"
	defaultParallel = 1 // the default of OLLAMA_NUM_PARALLEL
	defaultPull     = time.Hour
)

// settings is a Config with parsed and checked values.
type settings struct {
	base           *url.URL
	apiKey         string
	model          string
	embeddingModel string
	keepAlive      *api.Duration
	options        map[string]any // of chats
	embedOptions   map[string]any // of embeddings: only those with which the server loads the model
	numPredict     int            // num_predict of the options; 0 or less is no limit
	numCtx         int            // num_ctx of the options; 0 if it is not set
	think          *api.ThinkValue
	truncate       *bool
	parallel       int
	dimensions     int           // the length of vectors; 0 is the model's own
	pull           bool          // whether the server is asked to pull a missing model
	pullTimeout    time.Duration // how long a pull may take
}

// settings parses and checks c. Its error lists everything that is wrong with c.
func (c Config) settings() (settings, error) {
	s := settings{
		model: c.Model, embeddingModel: c.EmbeddingModel, truncate: c.Truncate, dimensions: c.EmbeddingDimensions, pull: c.Pull,
		pullTimeout: cmp.Or(c.PullTimeout, defaultPull),
		apiKey:      strings.TrimSpace(c.APIKey), // a file with a secret ends with a newline
	}
	if s.embeddingModel == "" {
		s.embeddingModel = s.model
	}
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if s.model == "" {
		check(invalid("model", "is missing; expected a model's name such as gemma3:1b"))
	}
	if !httpguts.ValidHeaderFieldValue(s.apiKey) {
		check(invalid("api_key", "has characters that no HTTP header may have"))
	}
	var err error
	s.base, err = parseBase(c.BaseURL)
	check(err)
	s.keepAlive, err = parseKeepAlive(c.KeepAlive)
	check(err)
	s.think, err = parseThink(c.Think)
	check(err)
	o, err := c.modelOptions()
	check(err)
	s.options, err = o.wire()
	check(err)
	s.embedOptions, err = o.loading().wire()
	check(err)
	s.numPredict, s.numCtx = valueOf(o.NumPredict), valueOf(o.NumCtx)
	if s.parallel = max(c.Parallel, defaultParallel); c.Parallel < 0 {
		check(invalid("parallel", "must be at least 1"))
	}
	if c.EmbeddingDimensions < 0 {
		check(invalid("embedding_dimensions", "must be at least 1"))
	}
	if c.PullTimeout < 0 {
		check(invalid("pull_timeout", "must be at least a second"))
	}
	return s, errors.Join(errs...)
}

// Validate implements sdk.Validator.
func (c *Config) Validate(env sdk.Env) error {
	s, err := c.settings()
	if err != nil {
		return err
	}
	if err := env.Dialer.CheckLiteral(s.base.Hostname(), portOf(s.base)); err != nil {
		return notAllowed(egress.Of(err))
	}
	return nil
}

func parseBase(s string) (*url.URL, error) {
	if s == "" {
		s = defaultBaseURL
	}
	u, err := url.Parse(s)
	switch {
	case err != nil: // the text of err repeats the URL, which may contain a password
		return nil, invalid("base_url", "is no URL; expected one such as %s", defaultBaseURL)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, invalid("base_url", "expected http:// or https:// and a host, such as %s", defaultBaseURL)
	case u.User != nil:
		return nil, invalid("base_url", "must not have a user or password in it; set api_key")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, invalid("base_url", "must not have a query or fragment")
	}
	return u, nil
}

// parseKeepAlive parses a duration or a number of seconds, as Ollama does. It also accepts a number as
// text, because environment variables have only texts.
func parseKeepAlive(v any) (*api.Duration, error) {
	expected := invalid("keep_alive", `expected a duration such as "5m", or a number of seconds`)
	var seconds float64
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if d, err := time.ParseDuration(v); err == nil {
			return &api.Duration{Duration: d}, nil
		}
		var err error
		if seconds, err = strconv.ParseFloat(v, 64); err != nil {
			return nil, expected
		}
	case float64:
		seconds = v
	case int:
		seconds = float64(v)
	default:
		return nil, expected
	}
	if math.IsNaN(seconds) || seconds > math.MaxInt64/float64(time.Second) {
		return nil, expected
	}
	if seconds < 0 {
		return &api.Duration{Duration: -1}, nil
	}
	return &api.Duration{Duration: time.Duration(seconds * float64(time.Second))}, nil
}

func parseThink(v any) (*api.ThinkValue, error) {
	if v == nil {
		return nil, nil
	}
	t := &api.ThinkValue{Value: v}
	if !t.IsValid() {
		return nil, invalid("think", `expected true, false, "low", "medium" or "high"`)
	}
	return t, nil
}

// valueOf returns *p, or 0 if p is nil.
func valueOf(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}

func invalid(key, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).At(key).By(fault.PartyTenant)
}

package ollama

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/url"
	"slices"
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

	KeepAlive any            `json:"keep_alive,omitempty" botyard:"operator-only" jsonschema:"oneof_type=string;number" jsonschema_description:"How long the model stays in memory after a call: a duration as in 5m, or seconds; 0 unloads at once and a negative one never. The default is the server's."`
	Options   map[string]any `json:"options,omitempty" botyard:"operator-only" botyard_keys:"temperature=tenant,override top_p=tenant,override top_k=tenant,override min_p=tenant,override typical_p=tenant,override seed=tenant,override stop=tenant,override repeat_last_n=tenant,override repeat_penalty=tenant,override presence_penalty=tenant,override frequency_penalty=tenant,override" jsonschema_description:"Ollama's options for the model, passed on as they are: temperature, top_p, num_ctx, seed, stop, num_predict and so on. The tenant itself may set those that choose words, as temperature, top_p, top_k, min_p, typical_p, seed, stop and the penalties do."`
	Think     any            `json:"think,omitempty" botyard:"tenant,override" jsonschema:"oneof_type=boolean;string" jsonschema_description:"Whether a thinking model thinks; some know low, medium and high instead. The default is the model's."`
	Truncate  *bool          `json:"truncate,omitempty" botyard:"tenant,override" jsonschema_description:"Whether the oldest messages are dropped when the context is too small; false makes that an error. The default is the server's, which is true."`

	Parallel int `json:"parallel,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=1000,default=1" jsonschema_description:"How many calls the server works on at once for this model, as its OLLAMA_NUM_PARALLEL says. More wait in the host, in turns by tenant; configurations with the same base_url and model share them."`
}

const (
	defaultBaseURL  = "http://127.0.0.1:11434"
	defaultParallel = 1 // the default of OLLAMA_NUM_PARALLEL
)

// settings is a Config with parsed and checked values.
type settings struct {
	base           *url.URL
	apiKey         string
	model          string
	embeddingModel string
	keepAlive      *api.Duration
	options        map[string]any
	numPredict     int // num_predict of the options; 0 or less is no limit
	think          *api.ThinkValue
	truncate       *bool
	parallel       int
}

// settings parses and checks c. Its error lists everything that is wrong with c.
func (c Config) settings() (settings, error) {
	s := settings{
		model: c.Model, embeddingModel: c.EmbeddingModel, options: c.Options, truncate: c.Truncate,
		apiKey: strings.TrimSpace(c.APIKey), // a file with a secret ends with a newline
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
	check(checkOptions(c.Options))
	s.numPredict = intOption(c.Options, "num_predict")
	if s.parallel = max(c.Parallel, defaultParallel); c.Parallel < 0 {
		check(invalid("parallel", "must be at least 1"))
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

// checkOptions returns the joined errors for each known option of the wrong type, for which the server would fail each
// call with an internal error. It ignores unknown options, because the server may be newer than this
// plugin.
func checkOptions(options map[string]any) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(options)) {
		value := options[key]
		one, err := json.Marshal(map[string]any{key: value})
		if err != nil {
			errs = append(errs, invalid("options", "is no JSON value").At("options", key))
			continue
		}
		var typeErr *json.UnmarshalTypeError
		if err := json.Unmarshal(one, new(api.Options)); errors.As(err, &typeErr) {
			errs = append(errs, invalid("options", "must be %s, not %s", typeErr.Type, typeErr.Value).At("options", key))
		}
	}
	return errors.Join(errs...)
}

// intOption returns an option that is a whole number. It returns 0 if the option is missing.
// checkOptions reports a wrong type.
func intOption(options map[string]any, name string) int {
	var n int
	if text, err := json.Marshal(options[name]); err != nil || json.Unmarshal(text, &n) != nil {
		return 0
	}
	return n
}

func invalid(key, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).At(key).By(fault.PartyTenant)
}

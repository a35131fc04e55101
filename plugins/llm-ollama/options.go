package ollama

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/botyard/botyard/sdk/fault"
)

// Options are Ollama's options of a model, in the block llm.options. They are the fields of
// api.Options. A key that is not here is an error, because an Ollama server ignores a misspelt option
// silently. A field that is nil is not sent, so 0 is a value. Five options are also keys of Config.
type Options struct {
	Temperature      *float32 `json:"temperature,omitempty" botyard:"tenant,override" jsonschema:"minimum=0" jsonschema_description:"The same as the key 'temperature'."`
	TopK             *int     `json:"top_k,omitempty" botyard:"tenant,override" jsonschema_description:"The model chooses among this many of the most likely tokens."`
	TopP             *float32 `json:"top_p,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The same as the key 'top_p'."`
	MinP             *float32 `json:"min_p,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The model leaves out tokens that are less likely than this part of the most likely one."`
	TypicalP         *float32 `json:"typical_p,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The model leaves out tokens that are less typical than this; 1 leaves out none."`
	Seed             *int     `json:"seed,omitempty" botyard:"tenant,override" jsonschema_description:"The same as the key 'seed'."`
	Stop             []string `json:"stop,omitempty" botyard:"tenant,override" jsonschema_description:"The same as the key 'stop'."`
	RepeatLastN      *int     `json:"repeat_last_n,omitempty" botyard:"tenant,override" jsonschema_description:"How many tokens the model looks back for repetitions; 0 is none and -1 is the whole context."`
	RepeatPenalty    *float32 `json:"repeat_penalty,omitempty" botyard:"tenant,override" jsonschema_description:"How strongly the model avoids repetitions; 1 is not at all."`
	PresencePenalty  *float32 `json:"presence_penalty,omitempty" botyard:"tenant,override" jsonschema_description:"How strongly the model avoids tokens that were there."`
	FrequencyPenalty *float32 `json:"frequency_penalty,omitempty" botyard:"tenant,override" jsonschema_description:"How strongly the model avoids tokens by how often they were there."`

	NumPredict *int  `json:"num_predict,omitempty" botyard:"operator-only" jsonschema_description:"The most tokens of a reply, as the key 'max_tokens'; 0 and negative numbers are no limit."`
	NumKeep    *int  `json:"num_keep,omitempty" botyard:"operator-only" jsonschema_description:"How many tokens at the beginning stay when the context is full."`
	NumCtx     *int  `json:"num_ctx,omitempty" botyard:"operator-only" jsonschema:"minimum=1" jsonschema_description:"The size of the context in tokens. The default is the model's own, or else the server's."`
	NumBatch   *int  `json:"num_batch,omitempty" botyard:"operator-only" jsonschema:"minimum=1" jsonschema_description:"How many tokens of the prompt the server evaluates at once."`
	NumGPU     *int  `json:"num_gpu,omitempty" botyard:"operator-only" jsonschema_description:"How many layers of the model are on GPUs; -1 lets the server decide."`
	MainGPU    *int  `json:"main_gpu,omitempty" botyard:"operator-only" jsonschema:"minimum=0" jsonschema_description:"The GPU for small tensors."`
	UseMMap    *bool `json:"use_mmap,omitempty" botyard:"operator-only" jsonschema_description:"Whether the server maps the model's file into memory."`
	NumThread  *int  `json:"num_thread,omitempty" botyard:"operator-only" jsonschema:"minimum=0" jsonschema_description:"How many threads the server uses; 0 lets the server decide."`
}

// shared is an option that is also a key of Config.
type shared struct {
	key, option         string // the names of the key and of the option
	hasKey, hasOption   bool   // whether each of them is set
	dropKey, dropOption func() // make them unset
	setOption           func() // sets the option to the value of the key
}

// sharedOf returns the shared option with the two names, whose values are *key and *option. A value
// that is nil is not set.
func sharedOf[T any](name, optionName string, key, option *T) shared {
	set := func(v *T) bool { return !reflect.ValueOf(*v).IsNil() }
	var none T
	return shared{
		key: name, option: optionName, hasKey: set(key), hasOption: set(option),
		dropKey: func() { *key = none }, dropOption: func() { *option = none }, setOption: func() { *option = *key },
	}
}

// sharedOptions returns the options of c that are also keys of Config, always in the same order.
func (c *Config) sharedOptions() []shared {
	return []shared{
		sharedOf("temperature", "temperature", &c.Temperature, &c.Options.Temperature),
		sharedOf("top_p", "top_p", &c.TopP, &c.Options.TopP),
		sharedOf("max_tokens", "num_predict", &c.MaxTokens, &c.Options.NumPredict),
		sharedOf("stop", "stop", &c.Stop, &c.Options.Stop),
		sharedOf("seed", "seed", &c.Seed, &c.Options.Seed),
	}
}

// preferAsked makes overrides count under either name. If asked, which has only the overrides of a
// request, sets one name of a shared option, preferAsked removes the value of the other name from c. So
// an override of temperature replaces a configured options.temperature.
func (c *Config) preferAsked(asked *Config) {
	own := c.sharedOptions()
	for i, s := range asked.sharedOptions() {
		switch {
		case s.hasKey && !s.hasOption:
			own[i].dropOption()
		case s.hasOption && !s.hasKey:
			own[i].dropKey()
		}
	}
}

// modelOptions returns all options of the model: those in the block options, and those that are keys of
// Config. Its error lists each option that is set under both names, and each invalid value.
func (c Config) modelOptions() (Options, error) {
	var errs []error
	if slices.Contains(c.Stop, "") {
		errs = append(errs, invalid("stop", "has an empty text, at which every reply would end"))
	}
	if slices.Contains(c.Options.Stop, "") {
		errs = append(errs, invalid("options", "has an empty text, at which every reply would end").At("options", "stop"))
	}
	if c.MaxTokens != nil && *c.MaxTokens < 1 {
		errs = append(errs, invalid("max_tokens", "must be at least 1"))
	}
	for _, s := range c.sharedOptions() {
		switch {
		case s.hasKey && s.hasOption:
			errs = append(errs, invalid(s.key, "means the same as options.%s, which is set too; set one of the two", s.option))
		case s.hasKey:
			s.setOption()
		}
	}
	return c.Options, errors.Join(errs...)
}

// wire returns the options as a request has them, or nil if there are none.
func (o Options) wire() (map[string]any, error) {
	text, err := json.Marshal(o)
	if err != nil { // a number that JSON does not have, such as infinity
		return nil, fault.New(fault.Invalid, "has a number that is no JSON: %w", err).At("options").By(fault.PartyTenant)
	}
	var raw map[string]json.RawMessage // keeps each number unchanged
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(raw))
	for name, value := range raw {
		out[name] = value
	}
	return out, nil
}

// loading returns the options with which the server loads a model. A request with other values makes
// the server load the model again.
func (o Options) loading() Options {
	return Options{NumCtx: o.NumCtx, NumBatch: o.NumBatch, NumGPU: o.NumGPU, MainGPU: o.MainGPU, UseMMap: o.UseMMap, NumThread: o.NumThread}
}

// withLimit returns a copy of options in which limit is the most output tokens.
func withLimit(options map[string]any, limit int) map[string]any {
	out := maps.Clone(options)
	if out == nil {
		out = map[string]any{}
	}
	out["num_predict"] = limit
	return out
}

package openaillm

import (
	"errors"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/upstream"
)

// Config is the configuration block llm with provider = "openai". New replaces empty fields by the
// schema's defaults.
type Config struct {
	BaseURL      string `json:"base_url,omitempty" botyard:"endpoint,operator-only" jsonschema:"default=https://api.openai.com/v1" jsonschema_description:"Where the API is, with the path before 'chat/completions'; for most servers it ends with /v1."`
	APIKey       string `json:"api_key,omitempty" botyard:"secret,operator-only" jsonschema_description:"The key; a server of your own may need none."`
	Organization string `json:"organization,omitempty" botyard:"operator-only" jsonschema_description:"OpenAI's id of the organization that pays, for a key of several."`
	Project      string `json:"project,omitempty" botyard:"operator-only" jsonschema_description:"OpenAI's id of the project, for a key of several."`
	API          string `json:"api,omitempty" botyard:"operator-only" jsonschema:"enum=auto,enum=responses,enum=chat,default=auto" jsonschema_description:"Which API the plugin speaks: 'responses' is OpenAI's Responses API, 'chat' is chat completions, which nearly all servers have. auto takes the first on OpenAI's own servers, unless a key is set that only the second has, and the second elsewhere."`
	Azure        *Azure `json:"azure,omitempty" botyard:"operator-only" jsonschema_description:"Makes the plugin speak to Azure OpenAI: it sends the key as the header api-key. base_url is the resource, such as https://NAME.openai.azure.com/openai/v1."`

	Model          string `json:"model" botyard:"operator-only" jsonschema:"required,minLength=1" jsonschema_description:"The model's id at the server, as in gpt-5-mini. On Azure it is the name of the deployment."`
	EmbeddingModel string `json:"embedding_model,omitempty" botyard:"operator-only" jsonschema_description:"The model that embeds texts; the default is model."`
	Dimensions     int    `json:"dimensions,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=8192" jsonschema_description:"The length of the vectors, for an embedding model that lets it be chosen."`
	EmbeddingBatch int    `json:"embedding_batch,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=2048,default=100" jsonschema_description:"How many texts the plugin sends at once to be embedded."`

	Temperature *float64 `json:"temperature,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=2" jsonschema_description:"How freely the model chooses words. The default is the model's; models that reason may refuse it."`
	TopP        *float64 `json:"top_p,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The share of the likeliest words that the model chooses from."`
	MaxTokens   *int     `json:"max_tokens,omitempty" botyard:"lower-only,override" jsonschema:"minimum=1" jsonschema_description:"The most tokens of a reply, with those of its reasoning. A request can only ask for fewer."`
	Stop        []string `json:"stop,omitempty" botyard:"tenant,override" jsonschema:"maxItems=16" jsonschema_description:"Texts at which the reply ends. Only chat completions have it."`
	Seed        *int64   `json:"seed,omitempty" botyard:"tenant,override" jsonschema_description:"Makes equal requests get like replies. Only chat completions have it."`
	Options     Options  `json:"options,omitempty" botyard:"operator-only" jsonschema_description:"Further parameters."`

	ContextSize int64 `json:"context_size,omitempty" botyard:"operator-only" jsonschema:"minimum=1" jsonschema_description:"How many tokens input and output may have together. The default is known for OpenAI's models, by their ids."`
	Images      *bool `json:"images,omitempty" botyard:"operator-only" jsonschema_description:"Whether the model takes images and files. The default is known for OpenAI's models; other models count as if they did."`
	Parallel    int   `json:"parallel,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"How many calls the server works on at once, for a server of your own. More wait in the host, in turns by tenant; configurations with the same base_url and model share them. The default is any number."`
}

// Azure is the block azure, which makes the plugin speak to Azure OpenAI.
type Azure struct {
	APIVersion string `json:"api_version,omitempty" botyard:"operator-only" jsonschema_description:"The version of the API, as in 2024-10-21. base_url is then https://NAME.openai.azure.com, and the plugin adds the path of the deployment. Leave it out if base_url ends with /openai/v1."`
}

// Options are further parameters of requests. A key that is not here is an error, so that a misspelt
// key does not go unnoticed.
type Options struct {
	ReasoningEffort      string   `json:"reasoning_effort,omitempty" botyard:"tenant,override" jsonschema:"pattern=^[a-z]+$,maxLength=32" botyard_expected:"a word in lower case, as none, minimal, low, medium, high, xhigh or max" jsonschema_description:"How much a model thinks before it replies: none, minimal, low, medium, high and so on; each model has some of them."`
	ReasoningSummary     string   `json:"reasoning_summary,omitempty" botyard:"tenant,override" jsonschema:"enum=auto,enum=concise,enum=detailed" jsonschema_description:"Asks for a summary of what the model thought. Only the Responses API has it."`
	KeepReasoning        *bool    `json:"keep_reasoning,omitempty" botyard:"operator-only" jsonschema_description:"Whether the model gets back what it thought in earlier turns. false is for a server that refuses that. The default is true."`
	Verbosity            string   `json:"verbosity,omitempty" botyard:"tenant,override" jsonschema:"enum=low,enum=medium,enum=high" jsonschema_description:"How much a model of GPT-5 or later says."`
	ServiceTier          string   `json:"service_tier,omitempty" botyard:"operator-only" jsonschema:"pattern=^[a-z_]+$,maxLength=32" botyard_expected:"a word in lower case, as auto, default, flex or priority" jsonschema_description:"Which service and price a call has: auto, default, flex, priority and so on."`
	PromptCacheRetention string   `json:"prompt_cache_retention,omitempty" botyard:"operator-only" jsonschema:"enum=in_memory,enum=24h" jsonschema_description:"How long OpenAI keeps the beginning of a prompt in its cache."`
	FrequencyPenalty     *float64 `json:"frequency_penalty,omitempty" botyard:"tenant,override" jsonschema:"minimum=-2,maximum=2" jsonschema_description:"Makes words rarer the more often they were used. Only chat completions have it."`
	PresencePenalty      *float64 `json:"presence_penalty,omitempty" botyard:"tenant,override" jsonschema:"minimum=-2,maximum=2" jsonschema_description:"Makes words rarer that were used. Only chat completions have it."`
	TopK                 *int     `json:"top_k,omitempty" botyard:"tenant,override" jsonschema:"minimum=-1" jsonschema_description:"How many of the likeliest words the model chooses from. Servers such as vLLM, llama.cpp and OpenRouter have it, OpenAI has not."`
	MinP                 *float64 `json:"min_p,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=1" jsonschema_description:"The least likelihood of a word, beside that of the likeliest. Servers such as vLLM, llama.cpp and OpenRouter have it, OpenAI has not."`
	RepetitionPenalty    *float64 `json:"repetition_penalty,omitempty" botyard:"tenant,override" jsonschema:"minimum=0,maximum=2" jsonschema_description:"Makes words rarer that were used; 1 changes nothing. Servers such as vLLM and OpenRouter have it, OpenAI has not."`

	ChatTemplateKwargs map[string]any `json:"chat_template_kwargs,omitempty" botyard:"operator-only" jsonschema_description:"Values for the template of prompts, as in {enable_thinking = false}. Servers such as vLLM, SGLang and llama.cpp have it, OpenAI has not."`
	StreamUsage        *bool          `json:"stream_usage,omitempty" botyard:"operator-only" jsonschema_description:"Whether chat completions ask for the count of tokens (stream_options). false is for a server that refuses that; the pieces of a reply are counted then. The default is true."`
}

// Validate implements sdk.Validator. Its error lists everything that is wrong with c.
func (c *Config) Validate(env sdk.Env) error {
	s, err := c.settings()
	if s.base == nil {
		return err
	}
	return errors.Join(err, upstream.CheckAddress(env.Dialer, s.base))
}

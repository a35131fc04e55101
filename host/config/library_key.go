package config

import "strings"

// libraryKeys maps a key of the library dataknobs-bots that Botyard does not have to what a user writes
// in its place. The text ends the message "unknown key; here TEXT". It is used only for a key that the
// schema at its place does not know, so a plugin may have a key of the same name. A key is written as
// in a tenant file; "*" stands for any one key. Keys of the host file begin with a dot.
var libraryKeys = map[string]string{
	".config":               "write what all tenants inherit in the block `defaults`",
	".cache_ttl":            "it is `registry.cache_ttl`",
	".max_cache_size":       "it is `registry.max_cache_size`",
	".backend":              "where registrations are kept is `registry.storage`",
	".environment":          "what differs in one environment is in a file of its own, `--overlay FILE`",
	".env_dir":              "what differs in one environment is in a file of its own, `--overlay FILE`",
	".config_key":           "write the keys of `bot` without it",
	".validate_on_register": "every registration is validated",

	"bot":                 "write the keys of `bot` without it",
	"system_prompt":       "it is `prompts.system`",
	"tools":               "the client runs tools: a chat request brings them in its field `tools`",
	"tool_definitions":    "the client runs tools: a chat request brings them in its field `tools`",
	"max_tool_iterations": "the client runs tools: a chat request brings them in its field `tools`",
	"tool_timeout":        "the client runs tools; `limits.turn_timeout` bounds a turn",
	"tool_loop_timeout":   "the client runs tools; `limits.turn_timeout` bounds a turn",
	"reasoning":           "there are no strategies: the client runs tools, and calls the model again with their results",
	"middleware":          "there is none: the host logs and measures each turn itself; see `metrics` in the host file",
	"context_transform":   "there is none: `prompts` has the variables that a prompt may show",
	"config_base_path":    "relative paths start at the folder of the host file",
	"client_id":           "the tenant's id is the name of its file, or the path of its registration",

	"prompts.*": "a prompt that requests name is below `prompts.named`",

	"llm.api_base":          "it is `llm.base_url`",
	"llm.stop_sequences":    "it is `llm.stop`",
	"llm.system_prompt":     "it is `prompts.system`",
	"llm.timeout":           "it is `limits.first_token_timeout` until the first piece of the reply, `limits.token_timeout` between pieces, and `limits.turn_timeout` for all",
	"llm.rate_limit":        "it is `limits.turns_per_minute`",
	"llm.retry_count":       "the host repeats what can be repeated; leave it out",
	"llm.retry_delay":       "the host repeats what can be repeated; leave it out",
	"llm.functions":         "a chat request brings them in its field `tools`",
	"llm.function_call":     "it is `tool_choice` of a chat request",
	"llm.stream":            "it is `stream` of a chat request",
	"llm.stream_callback":   "it is `stream` of a chat request",
	"llm.user_id":           "it is `user_id` of a chat request",
	"llm.mode":              "every model is a chat model; leave it out",
	"llm.capabilities":      "the plugin asks the provider what the model can do; leave it out",
	"llm.dimensions":        "it is of a block with an embedding model",
	"llm.logit_bias":        "what only one provider has is below `llm.options`, if its plugin has that key",
	"llm.frequency_penalty": "what only some providers have is below `llm.options`, if the plugin has that key",
	"llm.presence_penalty":  "what only some providers have is below `llm.options`, if the plugin has that key",

	"memory.backend":              "`memory.type` selects the memory; where conversations are kept is `conversation_storage.backend`",
	"memory.recent_window":        "it is `memory.max_messages`",
	"memory.strategies":           "there is one memory, which `memory.type` selects",
	"memory.primary":              "there is one memory, which `memory.type` selects",
	"memory.llm":                  "only a memory that asks a model has a block for it",
	"memory.summary_prompt":       "only a memory that asks a model has a key for it",
	"memory.dimension":            "only a memory with an embedding model has a block for it, which knows its dimension",
	"memory.embedding_provider":   "only a memory with an embedding model has a block for it",
	"memory.embedding_model":      "only a memory with an embedding model has a block for it",
	"memory.collection":           "what is kept of each tenant is apart; leave it out",
	"memory.persist_path":         "what is kept is in `conversation_storage`; leave it out",
	"memory.store_params":         "what is kept is in `conversation_storage`; leave it out",
	"memory.default_metadata":     "what is kept of each tenant is apart; leave it out",
	"memory.default_filter":       "what is kept of each tenant is apart; leave it out",
	"memory.similarity_threshold": "only a memory that searches has a key for it",

	"conversation_storage.storage_class":     "`conversation_storage.backend` names a storage plugin, which can be your own",
	"conversation_storage.host":              "it is `conversation_storage.connection.host`",
	"conversation_storage.port":              "it is `conversation_storage.connection.port`",
	"conversation_storage.database":          "it is `conversation_storage.connection.database`",
	"conversation_storage.user":              "it is `conversation_storage.connection.user`",
	"conversation_storage.password":          "it is `conversation_storage.connection.password`",
	"conversation_storage.connection_string": "it is `conversation_storage.dsn`",
	"conversation_storage.schema_name":       "it is `conversation_storage.schema`",
	"conversation_storage.table":             "the plugin names its tables itself; `conversation_storage.schema` keeps them apart",
	"conversation_storage.table_name":        "the plugin names its tables itself; `conversation_storage.schema` keeps them apart",
	"conversation_storage.ensure_database":   "the database must be there; the plugin makes its schema and tables",
	"conversation_storage.timeout":           "the plugins that have timeouts list them on their pages, such as `conversation_storage.statement_timeout`",
	"conversation_storage.vector_enabled":    "conversations are kept as they are, without vectors; leave it out",
	"conversation_storage.vector_metric":     "conversations are kept as they are, without vectors; leave it out",
	"conversation_storage.journal_mode":      "the plugin chooses it; leave it out",
	"conversation_storage.synchronous":       "nothing that was acknowledged may be lost, so the plugin chooses it; leave it out",
	"conversation_storage.file_path":         "it is `conversation_storage.path` of the storage sqlite",
}

// unknownKey returns the message and the expected words of the problem for the key at path, which the
// schema at its place does not know. If libraryKeys has the key, the message says what to write in its
// place. Otherwise unknownKey returns message and expected as they are.
func (s *layers) unknownKey(path Path, message, expected string) (string, string) {
	key := path
	switch {
	case len(s.root) == 0: // a tenant's keys
	case len(path) > 1 && path[0] == defaultsKey:
		key = path[1:]
	case len(path) > 2 && path[0] == planKey:
		key = path[2:]
	default:
		key = append(Path{""}, path...)
	}
	text, ok := libraryKeys[strings.Join(key, ".")]
	if !ok && expected != "" { // if expected is empty, message already suggests a similar key
		text, ok = libraryKeys[strings.Join(append(key[:len(key)-1:len(key)-1], "*"), ".")]
	}
	if !ok {
		return message, expected
	}
	return "unknown key; here " + text, ""
}

package config

// tenantKeys has the keys of a tenant's documents. Each field is one key, and the field's tags
// are the only definition of the key. Package sdk/schema documents the tags. The defaults in the
// tags are the lowest layer that tenants inherit. Limits have no defaults here, because a tenant
// inherits the host's limits.
type tenantKeys struct {
	Plan                string           `json:"plan" botyard:"operator-only" jsonschema:"minLength=1" jsonschema_description:"Name of a plan of the host file, whose keys the tenant inherits on top of the defaults."`
	LLM                 llmKeys          `json:"llm" botyard:"open"`
	Memory              memoryKeys       `json:"memory" botyard:"open"`
	ConversationStorage storageKeys      `json:"conversation_storage" botyard:"open"`
	Conversations       conversationKeys `json:"conversations"`
	KnowledgeBase       knowledgeKeys    `json:"knowledge_base" botyard:"open"`
	Prompts             promptKeys       `json:"prompts" botyard:"tenant"`
	// Limits is read by (*tenantMerge).limits, which compares it with the host's limits.
	Limits ReadElsewhere[tenantLimits] `json:"limits"`
}

// llmKeys has the key that selects the llm plugin, and the key that the host reads itself. The
// plugin defines the other keys of the block.
type llmKeys struct {
	Provider string                        `json:"provider" jsonschema:"minLength=1" jsonschema_description:"Name of an llm plugin; it defines the other keys."`
	Fallback ReadElsewhere[[]fallbackKeys] `json:"fallback" botyard:"tenant,open" jsonschema:"maxItems=4" jsonschema_description:"Blocks like 'llm' itself, each with a 'provider' and its keys. The host asks them in this order if the provider before cannot reply. It stays when a layer selects another 'llm.provider'."`
}

// fallbackKeys has the key that selects the llm plugin of a block of llm.fallback. The plugin
// defines the other keys of the block.
type fallbackKeys struct {
	Provider string `json:"provider" jsonschema:"minLength=1" jsonschema_description:"Name of an llm plugin; it defines the other keys."`
}

// memoryKeys has the key that selects the memory plugin. The plugin defines the other keys of the
// block.
type memoryKeys struct {
	Type string `json:"type" jsonschema:"minLength=1,default=buffer" jsonschema_description:"Name of a memory plugin; it defines the other keys."`
}

// storageKeys has the key that selects the storage plugin, and the key that the host reads
// itself. The plugin defines the other keys of the block.
type storageKeys struct {
	Backend       string `json:"backend" jsonschema:"minLength=1,default=memory" jsonschema_description:"Name of a storage plugin; it defines the other keys."`
	RetentionDays int    `json:"retention_days" botyard:"lower-only" jsonschema:"minimum=1,maximum=36500" jsonschema_description:"Days after whose last change a conversation is deleted, as a whole. The host does it, whatever the backend. Without it they stay."`
}

// conversationKeys has the keys that apply to conversations in every storage.
type conversationKeys struct {
	// Owner is OwnerUser or OwnerTenant.
	Owner string `json:"owner" botyard:"operator-only" jsonschema:"enum=user,enum=tenant,default=user" jsonschema_description:"Whose a conversation is. 'user': of the user that it was begun with, and for every other user it is not there; one that was begun without a user is the tenant's. 'tenant': all users share it, and each turn is its writer's. A call without 'user_id' sees all either way."`
}

// knowledgeKeys has the keys of the block of a knowledge plugin. No knowledge plugin exists yet.
type knowledgeKeys struct {
	Enabled bool   `json:"enabled" botyard:"operator-only" jsonschema_description:"Must be false until a knowledge plugin exists."`
	Type    string `json:"type" jsonschema:"minLength=1" jsonschema_description:"Name of a knowledge plugin; there is none yet."`
}

// promptKeys has the keys of the block prompts, which (*tenantMerge).prompts reads.
type promptKeys struct {
	System    ReadElsewhere[string]            `json:"system" jsonschema_description:"System prompt; {{name}} stands for a variable."`
	Named     ReadElsewhere[map[string]string] `json:"named" botyard_names:"^[A-Za-z][A-Za-z0-9_-]{0,63}$" jsonschema_description:"Further prompts; their names are the keys. A chat request that names one in its field 'prompt' gets it in place of the system prompt."`
	Variables ReadElsewhere[map[string]string] `json:"variables" botyard_names:"^[A-Za-z_][A-Za-z0-9_]*$" jsonschema_description:"Texts that stand in the prompts where they say {{name}}; their names are the keys."`
	Metadata  ReadElsewhere[map[string]string] `json:"metadata" botyard_names:"^[A-Za-z_][A-Za-z0-9_-]{0,63}$" jsonschema_description:"Keys of a request's metadata that prompts may show as {{metadata.KEY}}, each with the text that stands there if a request does not have the key."`
	Timezone  ReadElsewhere[string]            `json:"timezone" jsonschema:"minLength=1" jsonschema_description:"Time zone of {{turn.date}} and {{turn.time}}, such as Europe/Berlin. Without it they are in UTC."`
}

package config

import "time"

// Limits bounds what one tenant may use. Its fields are the keys of the block limits of the host
// file. A tenant's own limits may be at most as high. The tag counted:"per host" marks a limit
// that each host counts for itself.
type Limits struct {
	ConcurrentTurns     int           `json:"concurrent_turns" applies:"reload" counted:"per host" jsonschema:"minimum=1,maximum=1000000,default=64" jsonschema_description:"Turns of one tenant at work at once, not counting those that wait for their conversation; one more is answered 429. Each host counts for itself."`
	TurnsPerMinute      int           `json:"turns_per_minute" applies:"reload" counted:"per host" jsonschema:"minimum=0,maximum=1000000000,default=0" jsonschema_description:"Turns that a tenant may begin in a minute: a bucket of so many, refilled evenly; 429 with the time when it is empty. 0 is any number. Each host counts for itself."`
	WaitingTurns        int           `json:"waiting_turns" applies:"reload" counted:"per host" jsonschema:"minimum=0,maximum=1000000,default=256" jsonschema_description:"Turns of one tenant that may wait at once for their conversations, over all of these; one more is answered 429. Each host counts for itself."`
	MessageBytes        int           `json:"message_bytes" applies:"reload" jsonschema:"minimum=1,maximum=8388608,default=1048576" botyard_expected:"the most that a turn carries of a message" jsonschema_description:"Size of a user's message. More cannot be carried between host and plugins with all that is around it."`
	ReplyBytes          int           `json:"reply_bytes" applies:"reload" jsonschema:"minimum=1,maximum=8388608,default=4194304" botyard_expected:"the most that a turn carries of a reply" jsonschema_description:"Size of a reply, with reasoning and tool calls: it is cut there, as at 'reply_tokens'. More cannot be carried."`
	ReplyTokens         int           `json:"reply_tokens" applies:"reload" jsonschema:"minimum=0,maximum=2147483647,default=0" jsonschema_description:"Tokens that a reply may have: the provider is asked to stop there, and cut off if it goes on. 0 leaves it to the provider."`
	ContextTokens       int           `json:"context_tokens" applies:"reload" jsonschema:"minimum=0,maximum=2147483647,default=0" jsonschema_description:"Tokens that a request to a model and its reply may have together, as estimated: older turns beyond are left out. 0 leaves it to what the plugin says of its model. The smaller of both counts."`
	TurnTimeout         time.Duration `json:"turn_timeout" applies:"reload" jsonschema:"exclusiveMinimum=0,maximum=31536000,default=600" jsonschema_description:"Seconds that a turn may take, waiting included."`
	FirstTokenTimeout   time.Duration `json:"first_token_timeout" applies:"reload" jsonschema:"exclusiveMinimum=0,maximum=31536000,default=300" jsonschema_description:"Seconds that a provider may take for the first token; a model that has to be loaded first can take minutes."`
	TokenTimeout        time.Duration `json:"token_timeout" applies:"reload" jsonschema:"exclusiveMinimum=0,maximum=31536000,default=60" jsonschema_description:"Seconds that a provider may be silent between two tokens. Time in which the caller does not read does not count."`
	ConversationWait    time.Duration `json:"conversation_wait" applies:"reload" jsonschema:"minimum=0,maximum=31536000,default=30" jsonschema_description:"Seconds to wait for a busy conversation."`
	ConversationWaiters int           `json:"conversation_waiters" applies:"reload" counted:"per host" jsonschema:"minimum=0,maximum=1000000,default=16" jsonschema_description:"Turns that may wait for one conversation; one more is answered 409. Each host counts for itself."`

	// TenantSetTokenTimeout reports whether a document of the tenant sets first_token_timeout or
	// token_timeout. A provider that exceeds a timeout of the tenant may still be healthy, so the
	// host does not count the timeout as a failure of the provider for other tenants.
	TenantSetTokenTimeout bool `json:"-"`
}

// tenantLimits has the keys of the block limits in a tenant's documents. The host's limits are
// the maximum of each.
type tenantLimits struct {
	ConcurrentTurns     int           `json:"concurrent_turns" botyard:"lower-only" jsonschema:"minimum=1" jsonschema_description:"Turns of this tenant at work at once, not counting those that wait for their conversation. Each host counts for itself."`
	TurnsPerMinute      int           `json:"turns_per_minute" botyard:"lower-only,zero-unlimited" jsonschema:"minimum=0,maximum=1000000000" jsonschema_description:"Turns that may begin in a minute: a bucket of so many, refilled evenly. 0 is any number, where the host sets no limit. Each host counts for itself."`
	WaitingTurns        int           `json:"waiting_turns" botyard:"lower-only" jsonschema:"minimum=0" jsonschema_description:"Turns that may wait at once for their conversations, over all of these. Each host counts for itself."`
	MessageBytes        int           `json:"message_bytes" botyard:"lower-only" jsonschema:"minimum=1,maximum=8388608" botyard_expected:"the most that a turn carries of a message" jsonschema_description:"Size of a user's message."`
	ReplyBytes          int           `json:"reply_bytes" botyard:"lower-only" jsonschema:"minimum=1,maximum=8388608" botyard_expected:"the most that a turn carries of a reply" jsonschema_description:"Size of a reply, with reasoning and tool calls: it is cut there."`
	ReplyTokens         int           `json:"reply_tokens" botyard:"lower-only,zero-unlimited" jsonschema:"minimum=0,maximum=2147483647" jsonschema_description:"Tokens that a reply may have. 0 leaves it to the provider, where the host sets no limit."`
	ContextTokens       int           `json:"context_tokens" botyard:"lower-only,zero-unlimited" jsonschema:"minimum=0,maximum=2147483647" jsonschema_description:"Tokens that a request to a model and its reply may have together, as estimated. 0 leaves it to what the plugin says of its model, where the host sets no limit."`
	TurnTimeout         time.Duration `json:"turn_timeout" botyard:"lower-only" jsonschema:"exclusiveMinimum=0" jsonschema_description:"Seconds that a turn may take, waiting included."`
	FirstTokenTimeout   time.Duration `json:"first_token_timeout" botyard:"lower-only" jsonschema:"exclusiveMinimum=0" jsonschema_description:"Seconds that the provider may take for the first token."`
	TokenTimeout        time.Duration `json:"token_timeout" botyard:"lower-only" jsonschema:"exclusiveMinimum=0" jsonschema_description:"Seconds that the provider may be silent between two tokens."`
	ConversationWait    time.Duration `json:"conversation_wait" botyard:"lower-only" jsonschema:"minimum=0" jsonschema_description:"Seconds to wait for a busy conversation."`
	ConversationWaiters int           `json:"conversation_waiters" botyard:"lower-only" jsonschema:"minimum=0" jsonschema_description:"Turns that may wait for one conversation. Each host counts for itself."`

	TenantSetTokenTimeout bool `json:"-"`
}

// This conversion compiles only if both structs have the same fields.
var _ = Limits(tenantLimits{})

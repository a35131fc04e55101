package sdk

// Sizes of all that is carried between a host and its plugins, in bytes. Each is so
// much smaller than what carries it that a request or an answer never outgrows gRPC:
// the arithmetic stands beside each, and tests hold it. Sizes of messages are those of
// [chat.Message.Size].
const (
	// MaxMessageBytes bounds one gRPC message in both directions. grpc-go's own limit
	// of 4 MiB is less than a tail of large messages.
	MaxMessageBytes = 64 << 20

	// MaxAnswerBytes is what a host takes of one gRPC message, and a plugin may send.
	// Nothing that is stored today needs more than MaxMessageBytes. A turn that an
	// earlier version let in, with a Begin and a Commit of MaxMessageBytes each, is read
	// whole all the same.
	MaxAnswerBytes = 2*MaxMessageBytes + MaxMessageBytes/4

	// MaxUserMessageBytes is the most that limits.message_bytes can allow.
	MaxUserMessageBytes = 8 << 20
	// MaxReplyBytes is the most that limits.reply_bytes can allow: text, reasoning and
	// tool calls of a reply together.
	MaxReplyBytes = 8 << 20
	// MaxSignatureBytes bounds the signature of a reply's reasoning.
	MaxSignatureBytes = 1 << 20
	// MaxSystemBytes bounds a system prompt whose variables were put in.
	MaxSystemBytes = 1 << 20
	// MaxMetadataBytes bounds what a caller has kept with a turn.
	MaxMetadataBytes = 16 << 10
	// MaxRecordBytes bounds what a host writes about how a turn was made.
	MaxRecordBytes = 64 << 10
	// MaxReasonBytes bounds why a turn did not succeed: twice [fault.MaxText], and its class.
	MaxReasonBytes = 32 << 10
	// MaxIDBytes bounds ids of conversations and users, and idempotency keys.
	MaxIDBytes = 256

	// MaxTurnBytes bounds a turn: 8 MiB of message, 8 of reply, 1 of signature, and less
	// than 1 for all else.
	MaxTurnBytes = 20 << 20

	// MaxTailBytes bounds the messages that a host shows to a model. The newest turn
	// always fits. With a system prompt and a new message it is less than 34 MiB.
	MaxTailBytes = 24 << 20

	// MaxPageBytes is where a page ends: with the entry that reaches it, which is of
	// MaxTurnBytes at most.
	MaxPageBytes = 8 << 20

	// MaxEmbedTexts and MaxEmbedBytes bound the texts of one call of Embed, their number and
	// their size together. Vectors of 4096 dimensions for all of them are 32 MiB.
	MaxEmbedTexts = 2048
	MaxEmbedBytes = 8 << 20

	// MaxUpstreamsBytes bounds what a plugin process holds of what its instances read from
	// upstreams at this moment, and MaxUpstreamInstanceBytes what it holds for one of them. The
	// latter is more than the largest answer, MaxAnswerBytes. Package budget shares it out.
	MaxUpstreamsBytes        = 256 << 20
	MaxUpstreamInstanceBytes = 160 << 20
	// UpstreamFreeBytes is how much each reader may hold beside that.
	UpstreamFreeBytes = 64 << 10

	// MaxUpstreamHeaderBytes bounds the headers of an upstream's answer, and
	// MaxUpstreamErrorBytes what is read of one that reports an error.
	MaxUpstreamHeaderBytes = 64 << 10
	MaxUpstreamErrorBytes  = 64 << 10
	// MaxUpstreamLineBytes bounds one line of a streamed answer, and MaxUpstreamStreamBytes
	// all of them: a reply of MaxReplyBytes in pieces of one character.
	MaxUpstreamLineBytes   = 7 << 20
	MaxUpstreamStreamBytes = 2 << 30
	// MaxUpstreamIdleBytes is how much of nothing a stream may have at a stretch: blanks
	// between objects; and MaxUpstreamIdlePieces is how many objects with nothing in them.
	MaxUpstreamIdleBytes  = 1 << 20
	MaxUpstreamIdlePieces = 10_000
	// MaxUpstreamVectorBytes bounds the text of one vector of embeddings: 8192 numbers.
	MaxUpstreamVectorBytes = 192 << 10

	// MaxDatabaseMessageBytes bounds every message of a Postgres server that is no row, and
	// MaxDatabaseLoginBytes all of them until the login is over.
	MaxDatabaseMessageBytes = 64 << 10
	MaxDatabaseLoginBytes   = 256 << 10
	// MaxDatabaseAsides is how many notices, settings and notifications a server may send
	// beside an answer, and MaxDatabaseSettings how many settings it may report at all.
	MaxDatabaseAsides   = 10_000
	MaxDatabaseSettings = 200
	// MaxScramIterations bounds what a server makes a login compute.
	MaxScramIterations = 100_000

	// MaxRememberBytes bounds the messages of one call of Remember: a page of turns.
	MaxRememberBytes = MaxPageBytes + MaxTurnBytes

	// MaxDocumentBytes bounds what is registered for a tenant: its configuration of 1 MiB,
	// sealed, and those of the storages that it used before.
	MaxDocumentBytes = 8 << 20
)

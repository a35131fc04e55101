package sdk

// These constants bound all that a host and its plugins send each other. Names that end in Bytes
// are sizes in bytes. The others are counts. The sizes are so small that no request and no response
// exceeds the limit for gRPC messages. Tests check that. [chat.Message.Size] is the size of a
// message.
const (
	// MaxMessageBytes bounds one gRPC message from a host to a plugin. grpc-go's default of 4 MiB
	// is too small for a tail of large messages.
	MaxMessageBytes = 64 << 20

	// MaxAnswerBytes bounds one gRPC message from a plugin to a host. Turns that are stored today
	// need at most MaxMessageBytes. An earlier version accepted turns with a Begin and a Commit of
	// MaxMessageBytes each, and a host can still read those turns.
	MaxAnswerBytes = 2*MaxMessageBytes + MaxMessageBytes/4

	// MaxUserMessageBytes is the largest value of limits.message_bytes.
	MaxUserMessageBytes = 8 << 20
	// MaxReplyBytes is the largest value of limits.reply_bytes, which counts the text, the
	// reasoning and the tool calls of a reply together.
	MaxReplyBytes = 8 << 20
	// MaxReplyParts bounds the parts of a reply.
	MaxReplyParts = 4096
	// MaxProviderStateBytes bounds the provider states of a reply together.
	MaxProviderStateBytes = 1 << 20
	// MaxNameBytes bounds the id and the name of a tool call, the kind, the type and the name of
	// media, and the type of a part that only its provider understands.
	MaxNameBytes = 1 << 10
	// MaxSystemBytes bounds a system prompt after its variables are replaced.
	MaxSystemBytes = 1 << 20
	// MaxMetadataBytes bounds the metadata that a caller stores with a turn.
	MaxMetadataBytes = 16 << 10
	// MaxRecordBytes bounds the record of a turn.
	MaxRecordBytes = 64 << 10
	// MaxUsageBytes bounds the JSON of a turn's usage.
	MaxUsageBytes = 32 << 10
	// MaxReasonBytes bounds the reason why a turn did not succeed: two texts of [fault.MaxText] and
	// a class.
	MaxReasonBytes = 32 << 10
	// MaxIDBytes bounds the id of a conversation, the id of a user and an idempotency key.
	MaxIDBytes = 256

	// MaxListedNames bounds the services, and the features, that a plugin lists in GetInfo. A name
	// has at most MaxIDBytes.
	MaxListedNames = 128

	// MaxTextBytes bounds the text that a storage gets beside the body of a message.
	MaxTextBytes = 1 << 20

	// MaxTurnBytes bounds a turn without the texts beside its bodies. A turn has at most 8 MiB of
	// message, 8 MiB of reply, 1 MiB of provider states, and less than 1 MiB of other data.
	MaxTurnBytes = 20 << 20

	// MaxBeginMessages bounds the messages with which a turn begins. MaxBeginBytes bounds their
	// sizes together. They are less than MaxTurnBytes without a reply.
	MaxBeginMessages = 128
	MaxBeginBytes    = 10 << 20
	// MaxBranchTurns bounds the turns that one Branch copies.
	MaxBranchTurns = 10_000
	// MaxRetractTurns bounds the turns that one Begin retracts.
	MaxRetractTurns = 10_000
	// MaxRetractions bounds the retractions that Begin returns.
	MaxRetractions = 1000
	// MaxStoreKeys bounds the store keys of which a storage keeps the cursors, for each incarnation of a
	// tenant.
	MaxStoreKeys = 8
	// MaxClaims bounds the cursors of one Claim. MaxCursorBytes bounds the data of a cursor.
	// MaxStoreKeyBytes bounds a store key.
	MaxClaims        = 100
	MaxCursorBytes   = 4 << 10
	MaxStoreKeyBytes = 256

	// MaxTailBytes bounds the messages that a host shows to a model. The newest turn always fits.
	// Together with a system prompt and a new message, the tail is smaller than 34 MiB.
	MaxTailBytes = 24 << 20

	// MaxPageBytes is the size at which a page of turns is full. The last turn of a page may exceed
	// it by at most MaxTurnBytes.
	MaxPageBytes = 8 << 20

	// MaxEmbedTexts bounds the number of texts in one call of Embed. MaxEmbedBytes bounds their
	// total size. The vectors of MaxEmbedTexts texts of 4096 dimensions take 32 MiB.
	MaxEmbedTexts = 2048
	MaxEmbedBytes = 8 << 20

	// MaxHostRequestBytes bounds a request of a plugin to a nested plugin. MaxHostAnswerBytes bounds
	// each message of the answer.
	MaxHostRequestBytes = 2 << 20
	MaxHostAnswerBytes  = 8 << 20

	// MaxUpstreamsBytes bounds what a plugin process holds in memory at one time of the data that
	// its instances read from upstreams. MaxUpstreamInstanceBytes bounds the part of one instance,
	// and is larger than MaxAnswerBytes. Package budget divides the bytes among the instances.
	MaxUpstreamsBytes        = 256 << 20
	MaxUpstreamInstanceBytes = 160 << 20
	// UpstreamFreeBytes is how much each reader of an upstream may hold without counting against
	// MaxUpstreamsBytes.
	UpstreamFreeBytes = 64 << 10

	// MaxUpstreamHeaderBytes bounds the headers of an upstream's response. MaxUpstreamErrorBytes
	// bounds what a plugin reads of a response that reports an error.
	MaxUpstreamHeaderBytes = 64 << 10
	MaxUpstreamErrorBytes  = 64 << 10
	// MaxUpstreamLineBytes bounds one line of a streamed response. MaxUpstreamStreamBytes bounds
	// the whole response, and is enough for a reply of MaxReplyBytes in pieces of one character.
	MaxUpstreamLineBytes   = 7 << 20
	MaxUpstreamStreamBytes = 2 << 30
	// MaxUpstreamIdleBytes bounds the consecutive blanks between the objects of a streamed
	// response. MaxUpstreamIdlePieces bounds the number of consecutive empty objects.
	MaxUpstreamIdleBytes  = 1 << 20
	MaxUpstreamIdlePieces = 10_000
	// MaxUpstreamByteRate bounds how many bytes of a streamed response a plugin reads in a second in
	// the long run. A response may begin with PaceCredit seconds of bytes at once.
	MaxUpstreamByteRate = 4 << 20
	// MaxReplyPieceRate bounds how many pieces of a reply, empty ones included, a plugin takes from
	// a model in a second in the long run. MaxReplyByteRate bounds the bytes of the pieces. A reply
	// may begin with PaceCredit seconds of pieces at once. Models are slower than a tenth of that.
	MaxReplyPieceRate = 10_000
	MaxReplyByteRate  = 1 << 20
	// PaceCredit is the burst of these rates, in seconds.
	PaceCredit = 1
	// MaxUpstreamVectorBytes bounds the JSON text of one embedding vector. It is enough for 8192
	// numbers.
	MaxUpstreamVectorBytes = 192 << 10

	// MaxDatabaseMessageBytes bounds each message of a Postgres server except data rows.
	// MaxDatabaseLoginBytes bounds all messages of the login together.
	MaxDatabaseMessageBytes = 64 << 10
	MaxDatabaseLoginBytes   = 256 << 10
	// MaxDatabaseAsides bounds the notices, parameter changes and notifications that a server sends
	// during one query. MaxDatabaseSettings bounds the number of different parameters that a server
	// reports.
	MaxDatabaseAsides   = 10_000
	MaxDatabaseSettings = 200
	// MaxScramIterations bounds the number of hash iterations that a server may demand of a SCRAM
	// login.
	MaxScramIterations = 100_000

	// MaxRememberBytes bounds the messages of one call of Remember, which are those of one page of
	// turns.
	MaxRememberBytes = MaxPageBytes + MaxTurnBytes

	// MaxDocumentBytes bounds what a tenant store keeps of one registered tenant: the sealed
	// configuration of at most 1 MiB, and the sealed configurations of the storages that the tenant
	// used before.
	MaxDocumentBytes = 8 << 20
)

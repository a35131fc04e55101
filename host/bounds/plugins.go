package bounds

import (
	"fmt"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
)

const (
	// Lookups is how many host names of one tenant's configuration the host looks up in the DNS
	// when the tenant is registered. LookupsAtOnce is how many names of all tenants the host looks
	// up at the same time.
	Lookups       = 16
	LookupsAtOnce = 32
	// NestedBlocks is how many nested plugin blocks a plugin may have: one for each role.
	NestedBlocks = 2
)

// plugins has the bounds of the memory of plugins, and of the data that plugins accept from
// upstreams and databases. The plugins enforce these bounds.
var plugins = []Bound{
	{
		Name: "overrides of a request", What: "The size of the values that a request to a model sets instead of configured ones.",
		Each: Bytes(schema.MaxOverridesBytes), Answer: "The plugin refuses the request at `overrides`.",
	},
	{
		Name: "store keys of a tenant", What: "The different settings of a memory that keep something else each, of which a storage keeps how far the memory has followed the conversations.",
		Each:   fmt.Sprint(sdk.MaxStoreKeys),
		Answer: "The storage drops that of the settings which were used least recently. If the tenant has these settings again, the memory first forgets all that it kept with them, and then follows the conversations from their first turns.",
	},
	{
		Name: "addresses that are allowed", What: "The entries of the list of what tenants' own settings may lead to.",
		All: fmt.Sprint(egress.MaxAllow), Key: "egress.allow",
		Answer: "The host file is refused.",
	},
	{
		Name: "nested plugins of a plugin", What: "The nested plugin blocks in the schema of a memory or knowledge plugin: one for each role.",
		Each:   fmt.Sprint(NestedBlocks),
		Answer: "The plugin is refused.",
	},
	{
		Name: "nested plugins in nested plugins", What: "The levels of nested plugin blocks. A nested plugin is an llm plugin, which has no nested plugin blocks.",
		Each:   "1",
		Answer: "The configuration is refused.",
	},
	{
		Name: "names that are looked up", What: "The names in a tenant's own settings that are looked up when it is registered, within 2 seconds.",
		Each: fmt.Sprint(Lookups), All: fmt.Sprintf("%d at once", LookupsAtOnce),
		Answer: "The others are judged when they are connected to, as all are.",
	},
	{
		Name: "a plugin's services and features", What: fmt.Sprintf("The services, and the features, that a plugin lists when it starts. A name has at most %d bytes.", sdk.MaxIDBytes),
		Each:   fmt.Sprint(sdk.MaxListedNames),
		Answer: "The plugin is refused until its file changes.",
	},
	{
		Name: "addresses of a name", What: "The addresses of one name that are looked at for a connection under `egress`.",
		Each:   fmt.Sprint(egress.MaxAddresses),
		Answer: "The others are left out.",
	},
	{
		Name: "mistakes that a plugin reports", What: "What a plugin says is wrong in one configuration.",
		Each:   fmt.Sprint(sdk.MaxConfigProblems),
		Answer: "The others are left out.",
	},
	{
		Name: "segments of the path of an error", What: "The names and indexes with which a plugin's error says what is wrong.",
		Each:   fmt.Sprint(fault.MaxPathSegments),
		Answer: "The innermost are left out.",
	},
	{
		Name: "hosts of a database", What: "The hosts that storage-postgres tries for one database.",
		Each:   "16",
		Answer: "The configuration is refused.",
	},
	{
		Name: "answers of an upstream", What: "What a plugin process holds at a moment of what one instance's upstream sends, beyond 64 KiB for each reader: plugins of models on servers, storage-postgres.",
		Each:   Bytes(sdk.MaxUpstreamInstanceBytes),
		Answer: "The call waits for 2 seconds, then fails with provider_failed.",
	},
	{
		Name: "answers of all upstreams", What: "The same of all instances of the process. One gets more only while more is free than it holds.",
		All:    Bytes(sdk.MaxUpstreamsBytes),
		Answer: "The call waits for 2 seconds, then fails with provider_failed.",
	},
	{
		Name: "message of a database", What: "A message of a Postgres server that is no row: an error, a notice, the columns of an answer. A row may have what an answer may.",
		Each:   Bytes(sdk.MaxDatabaseMessageBytes),
		Answer: "The connection is closed, and the call fails with provider_failed.",
	},
	{
		Name: "login of a database", What: "All that a Postgres server sends until the login is over, within `connect_timeout`.",
		Each:   Bytes(sdk.MaxDatabaseLoginBytes),
		Answer: "The connection is closed.",
	},
	{
		Name: "asides of a database", What: "The notices, settings and notifications that a Postgres server sends beside one answer.",
		Each:   fmt.Sprint(sdk.MaxDatabaseAsides),
		Answer: "The connection is closed, and the call fails with provider_failed.",
	},
	{
		Name: "settings of a database", What: "The settings that a Postgres server reports to one connection.",
		Each:   fmt.Sprint(sdk.MaxDatabaseSettings),
		Answer: "The connection is closed, and the call fails with provider_failed.",
	},
	{
		Name: "iterations of a login", What: "What a Postgres server makes a login by SCRAM compute, once for each connection.",
		Each:   fmt.Sprint(sdk.MaxScramIterations),
		Answer: "The connection is closed, and the call fails with provider_failed.",
	},
	{
		Name: "headers of an upstream", What: "The headers of an HTTP answer, early ones and trailers included.",
		Each:   Bytes(sdk.MaxUpstreamHeaderBytes),
		Answer: "The call fails with provider_failed.",
	},
	{
		Name: "error of an upstream", What: "What is read of an HTTP answer that reports an error.",
		Each:   Bytes(sdk.MaxUpstreamErrorBytes),
		Answer: "The rest is left unread.",
	},
	{
		Name: "line of an upstream", What: "One object or event of a model's streamed reply.",
		Each:   Bytes(sdk.MaxUpstreamLineBytes),
		Answer: "The call fails with provider_failed.",
	},
	{
		Name: "nothing of an upstream", What: "What a model's stream may send at a stretch that says nothing: blanks and comments, or objects with nothing in them.",
		Each:   fmt.Sprintf("%s of blanks, %d objects", Bytes(sdk.MaxUpstreamIdleBytes), sdk.MaxUpstreamIdlePieces),
		Answer: "The call fails with provider_failed.",
	},
	{
		Name: "pace of an upstream", What: "How fast a plugin reads the streamed answer of a model on a server, in the long run.",
		Each:   fmt.Sprintf("%s a second, after %s at once", Bytes(sdk.MaxUpstreamByteRate), Bytes(sdk.PaceCredit*sdk.MaxUpstreamByteRate)),
		Answer: "The upstream is made to wait.",
	},
	{
		Name: "pace of a reply", What: "How fast a plugin takes a reply from a model, in the long run: the pieces, those with nothing in them included, and their size. Plugins made with the SDK for Go.",
		Each:   fmt.Sprintf("%d pieces and %s a second, after a second's worth at once", sdk.MaxReplyPieceRate, Bytes(sdk.MaxReplyByteRate)),
		Answer: "The upstream is made to wait.",
	},
	{
		Name: "reply of an upstream", What: "The text, reasoning and tool calls of a model's reply, as the plugins of models on servers pass them on.",
		Each:   Bytes(sdk.MaxReplyBytes),
		Answer: "The reply ends there, with finish_reason length.",
	},
	{
		Name: "conversations of a tenant in memory", What: "What storage-memory keeps of a tenant's conversations, about. One turn may lead beyond it.",
		Each: Bytes(1 << 40), Key: "storage memory: max_bytes",
		Answer: "Begin fails with quota_exhausted, 429; what is kept stays.",
	},
	{
		Name: "conversations in memory", What: "What storage-memory keeps of all tenants' conversations in a process, about: an eighth of its memory, or what the variable BOTYARD_STORAGE_MEMORY_BYTES says. One tenant gets more only while eight times as much is free as it has; the last fifth is for those that have less than a 1024th.",
		Each: "a ninth of four fifths", All: Bytes(1 << 30),
		Answer: "Begin fails with quota_exhausted, 429, and names the variable; what is kept stays.",
	},
	{
		Name: "connections to a database server", What: "The connections of storage-postgres to one server, over all configurations of a process, shared out evenly; the variable BOTYARD_STORAGE_POSTGRES_CONNECTIONS sets another number. A registry that listens has one more.",
		Each: "pool_size + max_overflow, or its share", All: "80",
		Answer: "Turns wait for 5 seconds, then fail with provider_failed; more configurations than connections are refused with quota_exhausted.",
	},
}

package bounds

import (
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
)

// Slots bounds how many requests of one class run at the same time, and how many requests wait for
// a slot.
type Slots struct {
	// Each is how many requests of one tenant may run at the same time, and All is how many
	// requests of all tenants may. One tenant gets at most half of the slots that other tenants
	// leave.
	Each, All int64
	// WaitingEach is how many requests of one tenant may wait for a slot, and WaitingAll is how
	// many requests of all tenants may. If one of them is 0, no request waits.
	WaitingEach, WaitingAll int
	// Wait is the longest time that a request waits for a slot.
	Wait time.Duration
}

// These variables are the slots of each class of requests. Turns have no class here, because turns
// may use most of the connections.
var (
	ReadSlots     = Slots{Each: 32, All: 128, WaitingEach: 128, WaitingAll: 1024, Wait: 5 * time.Second}
	DeletionSlots = Slots{Each: 16, All: 64, WaitingEach: 128, WaitingAll: 1024, Wait: 5 * time.Second}
	BranchSlots   = Slots{Each: 4, All: 16, WaitingEach: 16, WaitingAll: 128, Wait: 5 * time.Second}

	AdminReadSlots  = Slots{Each: 16, All: 64, WaitingEach: 128, WaitingAll: 1024, Wait: 10 * time.Second}
	AdminWriteSlots = Slots{Each: 16, All: 64, WaitingEach: 128, WaitingAll: 1024, Wait: 30 * time.Second}
	ExportSlots     = Slots{Each: 4, All: 16, WaitingEach: 8, WaitingAll: 64, Wait: 5 * time.Second}
	ImportSlots     = Slots{Each: 2, All: 8, WaitingEach: 8, WaitingAll: 64, Wait: 5 * time.Second}
	SweepSlots      = Slots{Each: 8, All: 32, WaitingEach: 32, WaitingAll: 256, Wait: 30 * time.Second}
	CheckSlots      = Slots{Each: 2, All: 16, WaitingEach: 8, WaitingAll: 64, Wait: 10 * time.Second}
	ScrapeSlots     = Slots{Each: 4, All: 8, WaitingEach: 8, WaitingAll: 8, Wait: 5 * time.Second}
)

const (
	// HeaderBytes is the maximum size of all headers of a request, and HeaderFields is the maximum
	// number of headers.
	HeaderBytes  = 32 << 10
	HeaderFields = 128
	// HeaderTimeout is how long a client may take to send the headers. IdleTimeout is how long a
	// connection may stay open without a request.
	HeaderTimeout = 10 * time.Second
	IdleTimeout   = 2 * time.Minute

	// SpareConnections is how many connections the host accepts beyond http.connections, for probes
	// and operators.
	SpareConnections = 64
	// DefaultConnections, MinConnections and MaxConnections are the default, the minimum and the
	// maximum of the key http.connections.
	DefaultConnections = 4096
	MinConnections     = 16
	MaxConnections     = 1000000

	// DefaultBodyBytes and DefaultAnswerBytes are the defaults of the keys http.body_bytes and
	// http.answer_bytes. MinHeldBytes and MaxHeldBytes are the minimum and the maximum of both
	// keys. The largest body of a turn fits into half of MinHeldBytes.
	DefaultBodyBytes   = 128 << 20
	DefaultAnswerBytes = 128 << 20
	MinHeldBytes       = 100 << 20
	MaxHeldBytes       = 1 << 40
	// UnwantedBodies is how many bodies of refused requests the host reads and drops at the same
	// time. The host reads at most UnwantedBodyBytes of each body, for at most UnwantedBodyTime.
	UnwantedBodies    = 8
	UnwantedBodyBytes = 1 << 20
	UnwantedBodyTime  = time.Second
	// BodyValues is how many JSON values, lists and objects a body may have. The body of a
	// configuration has the bounds of a document instead.
	BodyValues = 32 << 10
	// AdminBodyBytes and AdminAnswerBytes are how many bytes of bodies and of answers the host
	// holds for requests of operators, in addition to the bytes for requests of tenants.
	AdminBodyBytes   = 32 << 20
	AdminAnswerBytes = 96 << 20

	// Stall is how long a sender may pause in the middle of a body, and a reader in the middle of
	// an answer. After a time of Stall the whole transfer must be at least as fast as SlowestRate,
	// in bytes per second.
	Stall       = 30 * time.Second
	SlowestRate = 32 << 10

	// ImportLine is the size in bytes above which a line of an import is long. ImportLongLines is
	// how many long lines all imports together hold in memory. ImportLineWait is how long an import
	// waits before it may hold a long line.
	ImportLine      = 4 << 20
	ImportLongLines = 1
	ImportLineWait  = time.Minute
	// ImportValues is how many JSON values, lists and objects one line of an import may have.
	ImportValues = 500000
	// TurnMessages is how many messages an imported turn may have. An export shortens a turn that
	// has more.
	TurnMessages = 1024

	// ChatBodyBytes is how many bytes the body of a turn may have at least. Media of
	// sdk.MaxBeginBytes fit into it in base64.
	ChatBodyBytes = 16 << 20
	// Tools is how many tools of the client a turn may have, and ToolsBytes is how many bytes their
	// names, descriptions and parameters may have together.
	Tools      = 128
	ToolsBytes = 256 << 10
	// MediaURLBytes is the maximum length of the address of an image or a file in a turn.
	MediaURLBytes = 8 << 10

	// Piece is how many bytes of an answer the host writes at once.
	Piece = 32 << 10
	// SendBuffer is how many bytes the operating system buffers for a connection whose reader does
	// not read.
	SendBuffer = 128 << 10
)

// slots returns the Bound of a class of requests.
func slots(name, what string, s Slots) Bound {
	answer := fmt.Sprintf("Waits up to %s, %d of each tenant and %d of all; then 429 with Retry-After.", s.Wait, s.WaitingEach, s.WaitingAll)
	return Bound{Name: name, What: what, Each: fmt.Sprint(s.Each), All: fmt.Sprint(s.All), Answer: answer}
}

// requests has the bounds of the HTTP interface. Package host/api enforces these bounds.
var requests = []Bound{
	{
		Name: "connections", What: "Connections of the listener. One that waits for its next request gives way to a new one.",
		All: fmt.Sprint(MaxConnections), Key: "http.connections",
		Answer: fmt.Sprintf("%d more are taken for probes and admins; others get 429 there, and are closed.", SpareConnections),
	},
	{
		Name: "turns asked for", What: "Requests for turns that are at work, those whose body is read included. `limits.concurrent_turns` and `limits.waiting_turns` are of turns that have been read.",
		Each: "half of all", All: "7 of 8 connections", Answer: "429 with Retry-After",
	},
	slots("reads", "Requests of a tenant that read its conversations and are at work, from before the storage is asked until the last byte is written.", ReadSlots),
	slots("deletions", "Requests of a tenant that delete a conversation and are at work.", DeletionSlots),
	slots("branches", fmt.Sprintf("Requests of a tenant that copy a conversation, of %d turns at most, and are at work.", sdk.MaxBranchTurns), BranchSlots),
	slots("reads of admins", "Requests of admins that read and are at work, by the tenant that they name.", AdminReadSlots),
	slots("changes of admins", "Requests of admins that change something and are at work, by the tenant that they name.", AdminWriteSlots),
	slots("exports", "Exports at work, by tenant.", ExportSlots),
	slots("imports", "Imports at work, by tenant.", ImportSlots),
	slots("erasures and purges", "Erasures and purges at work, by tenant.", SweepSlots),
	slots("checks", "Checks of a tenant's instances at work, by tenant.", CheckSlots),
	slots("pages of metrics", "Requests for the metrics that are at work.", ScrapeSlots),
	{
		Name: "headers", What: "The headers of a request.",
		Each:   fmt.Sprintf("%s, %d of them, %s to come", Bytes(HeaderBytes), HeaderFields, HeaderTimeout),
		Answer: "431; a connection whose headers do not come is closed.",
	},
	{
		Name: "id", What: "Ids of conversations and users, and idempotency keys. Ids of tenants have 64 bytes.",
		Each: Bytes(sdk.MaxIDBytes), Answer: "422 at the field, 400 in a path, a query or a header",
	},
	{
		Name: "body", What: "The body of a turn: six times `limits.message_bytes` of the host, since JSON may escape every byte, and 64 KiB; 16 MiB if that is more. Other bodies have 2 MiB, or 64 KiB where only a few fields fit in.",
		Each:   Bytes(6*8<<20 + 64<<10),
		Answer: "413, before anything is read if the length is given",
	},
	{
		Name: "messages of a turn", What: fmt.Sprintf("The messages with which a turn begins: %d, with media. Their texts have `limits.message_bytes` together. The address of media has %s.", sdk.MaxBeginMessages, Bytes(MediaURLBytes)),
		Each: Bytes(sdk.MaxBeginBytes), Answer: "422 at the field",
	},
	{
		Name: "tools of a turn", What: "Names, descriptions and parameters of the tools that the client runs.",
		Each: fmt.Sprintf("%d tools, %s", Tools, Bytes(ToolsBytes)), Answer: "422 at the field",
	},
	{
		Name: "values of a body", What: "What a body is made of: values, lists and objects of JSON. A configuration has bounds of its own.",
		Each: fmt.Sprint(BodyValues), Answer: "400",
	},
	{
		Name: "bodies", What: "Bytes of bodies that have come and are not done with: a turn keeps those of its message to its end. A length that is given and does not fit in is refused before it is read.",
		Each: "half of all", All: Bytes(MaxHeldBytes), Key: "http.body_bytes", Answer: "429 with Retry-After",
	},
	{
		Name: "unwanted bodies", What: fmt.Sprintf("Bodies of refused requests that are read on, and dropped, so that a caller that sends first and reads then sees the answer: %s of each, for %s at most.", Bytes(UnwantedBodyBytes), UnwantedBodyTime),
		All: fmt.Sprint(UnwantedBodies), Answer: "The connection is closed after the answer, which the caller may lose.",
	},
	{
		Name: "bodies of admins", What: "Bytes of bodies of admins that have come and are not done with.",
		Each: "half of all", All: Bytes(AdminBodyBytes), Answer: "429 with Retry-After",
	},
	{
		Name: "line of an import", What: fmt.Sprintf("The line of a turn in an import. Of lines above %s all imports hold one at a time; others wait with theirs, and so do their senders.", Bytes(ImportLine)),
		Each: "128 MiB", All: fmt.Sprintf("%d above %s", ImportLongLines, Bytes(ImportLine)),
		Answer: fmt.Sprintf("422 with the number of the line; one that waits longer than %s for another import's line gets 429.", ImportLineWait),
	},
	{
		Name: "slow line of an import", What: fmt.Sprintf("The time that the rest of a line above %s has to come, since the other imports wait for it: %s, and a second for each %s that has come.", Bytes(ImportLine), Stall, Bytes(SlowestRate)),
		Each: Stall.String(), Answer: "422 with the number of the line, and the connection is closed.",
	},
	{
		Name: "parts of an import", What: "What a line of an import is made of: values, lists and objects of JSON.",
		Each: fmt.Sprint(ImportValues), Answer: "422 with the number of the line",
	},
	{
		Name: "imported turn", What: fmt.Sprintf("A turn that is imported: what a turn can have written, of 63 MiB and %d messages at most. Its messages are of users, replies and tools; its time is at most a day ahead.", TurnMessages),
		Each: "63 MiB", Answer: "422 with the number of the line",
	},
	{
		Name: "slow body", What: fmt.Sprintf("The time of a body: %s, and a second for each %s that has come.", Stall, Bytes(SlowestRate)),
		Each: Stall.String(), Answer: "408, and the connection is closed.",
	},
	{
		Name: "answers", What: "Bytes of pages that were read for a tenant and are not written yet. Before the storage is asked, the largest page is counted that its limits allow.",
		Each: "half of all", All: Bytes(MaxHeldBytes), Key: "http.answer_bytes",
		Answer: "Waits up to 5s, as reads do; then 429 with Retry-After.",
	},
	{
		Name: "answers to admins", What: "Bytes of answers to admins that are not written yet, of those above 64 KiB.",
		Each: "half of all", All: Bytes(AdminAnswerBytes), Answer: "Waits up to 10s; then 429 with Retry-After.",
	},
	{
		Name: "slow reader", What: fmt.Sprintf("The time that a reader has for an answer: %s for each %s, and for all of it %s and a second for each %s.", Stall, Bytes(Piece), Stall, Bytes(SlowestRate)),
		Each: Stall.String(), Answer: "The connection is closed; a turn that is streamed is interrupted.",
	},
	{
		Name: "streamed reply", What: "What is held for a reader of a stream that takes nothing, beside the reply itself.",
		Each: Bytes(SendBuffer + Piece), All: "by turns asked for", Answer: "The model is made to wait.",
	},
}

package storage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// Kind is the name of this kind of plugin in file names and configurations.
const Kind = "storage"

// KeyTTL is how long an idempotency key is remembered.
const KeyTTL = 24 * time.Hour

// MaxPage bounds the limit of Read and List. A page also ends with the entry that makes it
// [sdk.MaxPageBytes] or more. The storage counts the bytes: no fewer than the entry has in the
// protocol, and not many more. The size of its JSON will do.
const MaxPage = 1000

// MaxRenewal bounds the holders of one Renew.
const MaxRenewal = 1000

// Storage keeps conversations. One value is one configured instance. It is called concurrently,
// for any number of tenants. The tenant of each call is a boundary: nothing that belongs to
// another tenant is read, changed or shown. Within a tenant, a conversation that was begun with
// a user is that user's. One that was begun without is the tenant's.
//
// A request with Owned requires that the conversation is the call's user's. A request without it
// may use all conversations of the tenant. A Storage with the capability [CapOwners] heeds
// Owned, reports which user wrote a turn, and deletes users as [Scope] says.
//
// If a Storage implements io.Closer, Close is called once, after its last call has ended. Errors
// are of package fault. A retried call returns the same as the first.
type Storage interface {
	// Begin takes the conversation for one turn, stores the user's message and reads the
	// tail, in this order, atomically. It does not wait for another turn. It interrupts a
	// running turn whose lease has ended. With Owned, a conversation that exists and is not
	// the user's is fault.NotFound. This is checked before anything else.
	Begin(ctx context.Context, req *BeginRequest) (*BeginResult, error)
	// Commit ends the turn that the fence stands for and frees the conversation. It returns
	// the turn's number, or 0 if the turn did not succeed. A repeat returns the same. A fence
	// that was never given out, whose turn was interrupted by a Begin, or whose conversation
	// was deleted is fault.Conflict.
	Commit(ctx context.Context, req *CommitRequest) (number int64, err error)
	// Read pages through a conversation's turns, oldest first. It returns fault.NotFound when
	// there is no such conversation.
	Read(ctx context.Context, req *ReadRequest) (*TurnPage, error)
	// List pages through the tenant's conversations by id, bytewise.
	List(ctx context.Context, req *ListRequest) (*ConversationPage, error)
	// Delete removes what the scope names and returns how much that was. Running turns in it
	// can no longer be committed. It is idempotent.
	Delete(ctx context.Context, scope Scope) (Deleted, error)
}

// Renewer is implemented by storages that several hosts may share.
type Renewer interface {
	// Renew extends all leases of the holders to lease from now, by the storage's clock.
	// It shortens none. A lease that has ended, and that no Begin has noticed yet, is revived.
	// A holder without a running turn is ignored. There are 1 to MaxRenewal holders, and a name
	// may occur twice.
	Renew(ctx context.Context, holders []string, lease time.Duration) error
}

// Importer is implemented by storages that accept turns which ended in another storage: the
// capability CapImport.
type Importer interface {
	// Import appends the turns to the call's conversation, which it creates if needed. It
	// returns how many it appended. It is atomic, and idempotent: turns whose sequence exists
	// already are left out. It returns fault.Conflict when a turn is running in the
	// conversation, when a sequence is skipped, when an existing turn differs in number or
	// state, or when turns would be appended to a conversation that is not the call's user's.
	Import(ctx context.Context, req *ImportRequest) (turns int64, err error)
}

// Migrator is implemented by storages whose database has a schema version: the capability
// CapMigrate.
type Migrator interface {
	// Migrate expands the database to the schema version of this plugin. Plugins of older
	// schema versions can still use it. With Contract it then contracts the database, and
	// plugins of older versions are refused from then on. It is idempotent.
	Migrate(ctx context.Context, opts MigrateOptions) (*Migration, error)
}

// MigrateOptions say what a migration does. The zero value only expands.
type MigrateOptions struct {
	Contract bool // remove what only plugins of older schema versions need
}

// Migration describes a database after Migrate.
type Migration struct {
	SchemaVersion int      // the database's version after the migration
	OldestVersion int      // schema version of the oldest plugin that may use the database
	Steps         []string // what was done, for people; empty if nothing
}

// Backuper is implemented by storages whose database is a file of the plugin's machine:
// the capability CapBackup.
type Backuper interface {
	// Backup writes a copy of the whole database, of all tenants, as of one moment, into the
	// folder, which is an absolute path. It never overwrites a file: that is fault.Conflict.
	// Without a database it returns fault.NotFound and creates none. Turns go on meanwhile.
	Backup(ctx context.Context, folder string) (*BackupFile, error)
}

// BackupFile is a copy that Backup wrote.
type BackupFile struct {
	Path  string
	Bytes int64
}

// State is where a turn stands.
type State int

const (
	Running State = iota + 1
	Succeeded
	Failed
	Interrupted
)

var stateNames = [...]string{"unknown", "running", "succeeded", "failed", "interrupted"}

func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return stateNames[0]
	}
	return stateNames[s]
}

// Turn is one user message and what came of it.
type Turn struct {
	Sequence  int64 // among all turns of the conversation, from 1
	Number    int64 // among the succeeded ones, from 1, gapless; 0 for others
	State     State
	Reason    string // why it did not succeed: "CLASS: sentence"
	User      string
	Messages  []chat.Message // the user's first; none in a turn that was emptied
	Usage     chat.Usage
	StartedAt time.Time
	EndedAt   time.Time       // zero while running
	Metadata  json.RawMessage // JSON object from the caller, or nil
	Record    json.RawMessage // JSON object from the host, or nil
	Key       string          // idempotency key, or empty
}

// Emptied returns what the deletion of its user leaves of the turn: its place in the log, its
// state and its times. A running turn is interrupted at now.
func (t Turn) Emptied(now time.Time) Turn {
	if t.State == Running {
		t.State, t.EndedAt = Interrupted, now
	}
	return Turn{Sequence: t.Sequence, Number: t.Number, State: t.State, StartedAt: t.StartedAt, EndedAt: t.EndedAt}
}

// BeginRequest starts a turn. Tenant, conversation and user are the call's.
type BeginRequest struct {
	Call     sdk.Call
	Message  chat.Message
	Metadata json.RawMessage
	Tail     int // how many of the newest messages of succeeded turns to return
	// TailBytes bounds the bytes of these messages together; 0 stands for sdk.MaxTailBytes. The
	// first turn, from the newest, that would exceed it is left out, and those before it too.
	// Bytes are counted as for pages.
	TailBytes int
	// Holder names who holds the conversation. A host chooses a name for each turn, so that it
	// can renew the turns that are running and no others.
	Holder string
	Lease  time.Duration
	Key    string // empty: none
	Digest []byte // digest of the request; the same key with another digest gives KeyReused
	// Attempt is chosen by the host, unique to this turn. A repeat of the Begin whose turn is
	// running returns Started again, with the same fence.
	Attempt string
	Owned   bool // an existing conversation must be the user's
}

// BeginResult is the result of Begin. Exactly one field is set.
type BeginResult struct {
	Started   *Started
	Replay    *Turn // succeeded earlier under the same key and digest
	Busy      *Busy
	KeyReused bool // the key stands for another digest
}

// Started is a turn that now holds its conversation.
type Started struct {
	Sequence int64
	Fence    string         // opaque
	Tail     []chat.Message // oldest first
	TailCut  bool           // messages within BeginRequest.Tail were left out because of TailBytes
}

// Busy is a conversation that another turn holds.
type Busy struct {
	SameKey bool // the other turn has the same idempotency key
}

// CommitRequest ends a turn. State is not Running.
type CommitRequest struct {
	Call     sdk.Call
	Fence    string
	State    State
	Reason   string
	Messages []chat.Message // after the user's
	Usage    chat.Usage
	Record   json.RawMessage
}

// ReadRequest asks for turns with a greater sequence than After, at most Limit.
type ReadRequest struct {
	Call  sdk.Call
	After int64
	Limit int  // 1 to MaxPage
	All   bool // turns that did not succeed too
	Owned bool // the conversation must be the user's
}

// TurnPage is the result of a ReadRequest.
type TurnPage struct {
	Turns []Turn
	More  bool
}

// ListRequest asks for conversations with a greater id than After, at most Limit;
// with Call.User set, for that user's only.
type ListRequest struct {
	Call  sdk.Call
	After string
	Limit int // 1 to MaxPage
	// Wrote also lists conversations of others in which the user wrote, and sets Shared in
	// all entries.
	Wrote bool
}

// Conversation is one entry of a list.
type Conversation struct {
	ID        string
	User      string // whose it is; empty for the tenant
	Turns     int64  // succeeded
	CreatedAt time.Time
	UpdatedAt time.Time
	Shared    bool // users other than its owner wrote in it; set where Wrote is asked for
}

// ConversationPage is the result of a ListRequest.
type ConversationPage struct {
	Conversations []Conversation
	More          bool
}

// Scope says what Delete removes. If the call has a conversation, Delete removes that
// conversation. Otherwise, if the call has a user, it removes what the user wrote and owns.
// Otherwise, with Tenant true, it removes everything of the tenant.
//
// For a user, the user's conversations are removed in which no other user wrote. In all other
// conversations the user's turns are emptied, see [Turn.Emptied]: their content is gone, their
// keys replay nothing, and their fences do not hold. A conversation of the user that stays is
// the tenant's from then on.
type Scope struct {
	Call   sdk.Call
	Tenant bool
	Owned  bool // spares the call's conversation if it is not the call's user's
	// Before, unless zero, spares conversations that were changed at this time or later, and
	// those with a running turn whose lease has not ended. With it, the deletion of a tenant
	// does not end its incarnation.
	Before time.Time
	// Limit, unless 0, is about how many turns this call removes at most. From the first call
	// on, nobody can read or write anything in the scope. Deleted.More says that more calls are
	// needed to remove the rest.
	Limit int
}

// Deleted is what a Delete removed.
type Deleted struct {
	Conversations int64
	Turns         int64 // turns in any state
	Emptied       int64 // turns in conversations that stay
	More          bool  // repeat the call
}

// ImportRequest adds turns to a conversation. Tenant, conversation and the user who owns it are the
// call's.
type ImportRequest struct {
	Call sdk.Call
	// Turns have ended, and are in order of their sequence without gaps. They keep sequence,
	// number, times and everything else. Their keys are kept and replay nothing.
	Turns []Turn
}

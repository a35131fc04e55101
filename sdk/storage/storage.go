package storage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/sdk"
)

// Kind is the name of this kind of plugin in file names and configurations.
const Kind = "storage"

// KeyTTL is how long a storage recognizes an idempotency key.
const KeyTTL = 24 * time.Hour

// MaxPage bounds the limit of Read and List. A page is also full when its entries reach
// [sdk.MaxPageBytes]. The storage counts the bytes of the entries. It may count the bytes of their
// JSON, or any size that is at least the size in the protocol and not much larger.
const MaxPage = 1000

// MaxRenewal bounds the number of holders in one call of Renew.
const MaxRenewal = 1000

// Storage stores conversations. A Storage is one configured instance. The host calls it
// concurrently, for any number of tenants. A call never reads, changes or returns anything of
// another tenant than the call's tenant. Within a tenant, a conversation that was begun with a user
// belongs to that user. A conversation that was begun without a user belongs to the tenant.
//
// A request with Owned requires that the conversation belongs to the call's user. A request without
// Owned may use all conversations of the tenant. A Storage with the feature [feature.Owners] obeys
// Owned, reports which user wrote a turn, and deletes users as [Scope] describes.
//
// If a Storage implements io.Closer, Close is called once, after the last call has returned. Errors
// are of package fault. A repeated call returns the same result as the first call.
type Storage interface {
	// Begin reserves the conversation for one turn, retracts turns if RetractFrom says so, stores
	// the turn's first messages and reads the tail, in this order, atomically. It does not wait for
	// another turn. It interrupts a running turn whose lease has ended. If the request has Owned, and the conversation exists and belongs to
	// another user or to the tenant, Begin returns fault.NotFound before it checks anything else.
	Begin(ctx context.Context, req *BeginRequest) (*BeginResult, error)
	// Commit ends the turn of the fence, so that the next turn of the conversation can begin. It
	// returns the turn's number, or 0 for a turn that did not succeed. A repeated Commit returns
	// the same number. Commit returns fault.Conflict for an unknown fence, for a turn that a later
	// Begin interrupted, and for a deleted conversation.
	Commit(ctx context.Context, req *CommitRequest) (number int64, err error)
	// Read returns a page of a conversation's turns, oldest first. It returns fault.NotFound if the
	// conversation does not exist.
	Read(ctx context.Context, req *ReadRequest) (*TurnPage, error)
	// List returns a page of the tenant's conversations, in the byte order of their ids.
	List(ctx context.Context, req *ListRequest) (*ConversationPage, error)
	// Delete removes the conversations and turns of the scope, and returns how many it removed. A
	// running turn in the scope can no longer be committed. Delete may be repeated.
	Delete(ctx context.Context, scope Scope) (Deleted, error)
}

// Brancher is the interface of a storage that copies conversations, with the feature
// feature.Branch.
type Brancher interface {
	// Branch makes the call's conversation as a copy of the succeeded turns of Source up to the
	// number Through, without the retracted ones, in one step. The copies have new sequences and
	// numbers from 1 on. The users, messages, times, usage, metadata and records are the same. The
	// keys replay nothing. The new conversation belongs to the call's user.
	//
	// Branch returns fault.NotFound if Source does not exist, or if Owned is set and Source does not
	// belong to the call's user. It returns fault.Conflict at "through" if no turn has that number
	// or the turn is retracted, and fault.Invalid at "through" for more than sdk.MaxBranchTurns
	// turns. It returns fault.Conflict if the call's conversation exists, unless it is a branch of
	// the same source at the same number, which Branch returns again.
	Branch(ctx context.Context, req *BranchRequest) (*BranchResult, error)
}

// BranchRequest makes a conversation as a copy of another one.
type BranchRequest struct {
	Call    sdk.Call // its conversation is the new one
	Source  string
	Through int64 // number of the last turn to copy; 0 for the newest that is not retracted
	Owned   bool  // Source must belong to the call's user
}

// BranchResult describes the conversation that Branch has made.
type BranchResult struct {
	Turns       int64
	Incarnation string
	Through     int64 // number in the source of the last copied turn; 0 for none
}

// Renewer is the interface of a storage that several hosts may share. It stands for the feature
// feature.Renew.
type Renewer interface {
	// Renew extends all leases of the holders to lease from now, by the storage's clock. It never
	// shortens a lease. It also extends a lease that has ended, if no Begin has interrupted the
	// turn. It ignores a holder without a running turn. There are 1 to MaxRenewal holders. A holder
	// may occur twice.
	Renew(ctx context.Context, holders []string, lease time.Duration) error
}

// Importer is the interface of a storage that accepts turns which ended in another storage, with
// the feature feature.Import.
type Importer interface {
	// Import appends the turns to the call's conversation, and returns how many it appended. It
	// creates the conversation if needed. It is atomic, and may be repeated, because it skips turns
	// whose sequence exists already. It returns fault.Conflict if a turn is running in the
	// conversation, if a sequence is missing, if an existing turn has another number or state, or
	// if the conversation belongs to another user than the call's.
	Import(ctx context.Context, req *ImportRequest) (turns int64, err error)
}

// Migrator is the interface of a storage whose database has a schema version, with the feature
// feature.Migrate.
type Migrator interface {
	// Migrate expands the database to the schema version of this plugin. Plugins of older schema
	// versions can still use the database. With Contract, Migrate then contracts the database,
	// which refuses plugins of older versions from then on. Migrate may be repeated.
	Migrate(ctx context.Context, opts MigrateOptions) (*Migration, error)
}

// MigrateOptions says what Migrate does. The zero value expands the database only.
type MigrateOptions struct {
	Contract bool // also remove what only plugins of older schema versions need
}

// Migration describes a database after Migrate.
type Migration struct {
	SchemaVersion int      // the schema version of the database
	OldestVersion int      // the schema version of the oldest plugin that may use the database
	Steps         []string // sentences for people about what changed; empty if nothing changed
}

// Backuper is the interface of a storage whose database is a file on the plugin's machine, with the
// feature feature.Backup.
type Backuper interface {
	// Backup writes a copy of the whole database, with all tenants, into the folder, which is an
	// absolute path. The copy shows the database at one moment. Turns continue during the backup.
	// Backup returns fault.Conflict if the file exists already, and fault.NotFound if there is no
	// database.
	Backup(ctx context.Context, folder string) (*BackupFile, error)
}

// BackupFile describes a copy that Backup wrote.
type BackupFile struct {
	Path  string
	Bytes int64
}

// State is the state of a turn.
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

// Turn is what a caller sent and what followed it.
type Turn struct {
	Sequence  int64 // counts all turns of the conversation, from 1
	Number    int64 // counts the succeeded turns of the conversation, from 1; 0 for other turns; a retracted turn keeps its number
	State     State
	Reason    string // why the turn did not succeed, in the form "CLASS: sentence"
	User      string
	Messages  []Message       // the messages of Begin first; none if the turn was emptied
	Usage     json.RawMessage // a JSON object of the host, or nil; see EncodeUsage
	StartedAt time.Time
	EndedAt   time.Time       // zero while the turn runs
	Metadata  json.RawMessage // a JSON object of the caller, or nil
	Record    json.RawMessage // a JSON object of the host, or nil
	Key       string          // the idempotency key, or empty
	// RetractFrom is the RetractFrom of the turn's Begin.
	RetractFrom int64
	Retracted   bool // a later turn has retracted this one
}

// Emptied returns what remains of the turn after its user was deleted: its sequence, number, state,
// times and retractions. A running turn becomes interrupted at the time now.
func (t Turn) Emptied(now time.Time) Turn {
	if t.State == Running {
		t.State, t.EndedAt = Interrupted, now
	}
	return Turn{Sequence: t.Sequence, Number: t.Number, State: t.State, StartedAt: t.StartedAt, EndedAt: t.EndedAt,
		RetractFrom: t.RetractFrom, Retracted: t.Retracted}
}

// BeginRequest begins a turn. Its tenant, conversation and user are those of the call.
type BeginRequest struct {
	Call     sdk.Call
	Messages []Message // what the caller sent: 1 to sdk.MaxBeginMessages messages
	Metadata json.RawMessage
	// RetractFrom retracts the succeeded turns with this number or a greater one. They stay
	// retracted whatever becomes of the new turn. 0 retracts nothing. If no turn has the number, or
	// its turn is retracted already, Begin begins nothing and returns fault.Conflict at
	// "retract_from". For more than sdk.MaxRetractTurns turns it returns fault.Invalid there. Only a Storage with the feature [feature.Retract] gets it.
	RetractFrom int64
	// CursorKey, if it is not empty, is the store key whose cursor and retractions Begin returns.
	// Only a Storage with the feature [feature.Cursor] gets it.
	CursorKey string
	// Tail is how many of the newest messages of succeeded turns the tail has at least. Begin
	// returns whole turns, up to the one with which they have so many messages or more.
	Tail int
	// TailBytes bounds the size of the tail. 0 means sdk.MaxTailBytes. From the newest turn on,
	// Begin returns whole turns until a turn would exceed the bound. Bytes are counted as MaxPage
	// describes.
	TailBytes int
	// Holder is a name under which the turn holds the conversation. A host chooses a new name for
	// each turn, so that it can renew the lease of each turn separately.
	Holder string
	Lease  time.Duration
	Key    string // the idempotency key; empty for none
	// Digest is the digest of the request. The same key with another digest gives KeyReused. A nil
	// and an empty digest are equal.
	Digest []byte
	// Attempt is a text that the host chooses for this turn alone. If the turn of this attempt is
	// running, Begin returns its Started again, with the same fence.
	Attempt string
	Owned   bool // an existing conversation must belong to the call's user
}

// BeginResult is the result of Begin. Exactly one field is set.
type BeginResult struct {
	Started   *Started
	Replay    *Turn // the turn that succeeded earlier with the same key and digest
	Busy      *Busy
	KeyReused bool // the key was used with another digest
}

// Started describes the turn that Begin has begun.
type Started struct {
	Sequence int64
	Fence    string
	// Tail has the newest succeeded turns that are not retracted, oldest first. Their sequences,
	// numbers, users, times and messages are set. The other fields may be missing.
	Tail    []Turn
	TailCut bool // the tail is shorter than BeginRequest.Tail because of TailBytes
	// Incarnation is the incarnation of the conversation: 1 to 64 bytes that no other conversation
	// of the tenant has or will have, also when this one's id is used again.
	Incarnation string
	Cursor      int64        // with CursorKey: the sequence of the cursor; 0 for none
	Retractions []Retraction // with CursorKey: those of turns after Cursor, this turn included
}

// Retraction says which turns a turn has retracted.
type Retraction struct {
	Sequence int64 // of the turn that has retracted them
	From, To int64 // numbers of the first and the last retracted turn
}

// Busy says that another turn is running in the conversation.
type Busy struct {
	SameKey bool // the other turn has the same idempotency key
}

// CommitRequest ends a turn. Its State is not Running.
type CommitRequest struct {
	Call     sdk.Call
	Fence    string
	State    State
	Reason   string
	Messages []Message       // the messages after those of Begin
	Usage    json.RawMessage // a JSON object of the host, or nil; see EncodeUsage
	Record   json.RawMessage
}

// ReadRequest asks for at most Limit turns whose sequence is greater than After.
type ReadRequest struct {
	Call  sdk.Call
	After int64
	Limit int  // 1 to MaxPage
	All   bool // include turns that did not succeed, and retracted turns
	Owned bool // the conversation must belong to the call's user
}

// TurnPage is the result of a ReadRequest.
type TurnPage struct {
	Turns []Turn
	More  bool
}

// ListRequest asks for at most Limit conversations whose id is greater than After. If Call.User is
// set, List returns only conversations that belong to that user.
type ListRequest struct {
	Call  sdk.Call
	After string
	Limit int // 1 to MaxPage
	// Wrote includes conversations in which Call.User wrote although they do not belong to that
	// user. It also sets Shared in all entries.
	Wrote bool
}

// Conversation is one entry of a list.
type Conversation struct {
	ID        string
	User      string // the owner; empty if the conversation belongs to the tenant
	Turns     int64  // the number of succeeded turns that are not retracted
	CreatedAt time.Time
	UpdatedAt time.Time
	Shared    bool // users other than the owner wrote in it; set only if the request has Wrote
	// Incarnation is that of Started.
	Incarnation string
	BranchOf    string // the conversation that this one is a branch of, or empty
	BranchAt    int64  // the number of the last turn that was copied from BranchOf
}

// ConversationPage is the result of a ListRequest.
type ConversationPage struct {
	Conversations []Conversation
	More          bool
}

// Scope says what Delete removes. If the call has a conversation, Delete removes that conversation.
// Otherwise, if the call has a user, Delete removes what the user wrote and owns. Otherwise, if
// Tenant is true, Delete removes everything of the tenant.
//
// For a user, Delete removes the user's conversations in which no other user wrote. In other
// conversations, Delete empties the user's turns, as [Turn.Emptied] describes. The content of an
// emptied turn is gone, its key gives no replay, and its fence is invalid. A conversation that
// belonged to the user and is not removed belongs to the tenant afterwards.
type Scope struct {
	Call   sdk.Call
	Tenant bool
	Owned  bool // do not delete the call's conversation if it belongs to another user or to the tenant
	// Before, if it is not zero, excludes conversations that were changed at this time or later,
	// and conversations with a running turn whose lease has not ended. With Before, the deletion of
	// a tenant does not end the tenant's incarnation.
	Before time.Time
	// Limit, if it is not 0, is about how many turns this call removes at most. After the first
	// call, nothing in the scope can be read or written any more. Deleted.More says that more calls
	// are needed to remove the remaining turns.
	Limit int
}

// Deleted says what one call of Delete removed.
type Deleted struct {
	Conversations int64
	Turns         int64 // turns in any state
	Emptied       int64 // emptied turns, in conversations that were not removed
	More          bool  // call Delete again to remove more
}

// ImportRequest adds turns to a conversation. Tenant, conversation and owner are those of the call.
// Only a Storage with the feature [feature.Retract] gets turns with RetractFrom or Retracted.
type ImportRequest struct {
	Call sdk.Call
	// Turns have ended, and are ordered by their sequence without gaps. Import stores all their
	// fields unchanged. It stores their keys too, but a Begin with such a key gives no replay.
	Turns []Turn
}

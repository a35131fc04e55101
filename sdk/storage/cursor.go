package storage

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
)

// CursorStore is the interface of a storage that keeps how far conversations were followed, with the
// feature feature.Cursor. A memory that remembers needs such a storage.
//
// A cursor belongs to a store key and an incarnation of a conversation. It says up to which sequence
// the turns of the conversation were followed. Another kind of cursor belongs to a store key and a
// tenant, for background work.
//
// When a conversation is deleted, each of its cursors becomes one to be forgotten in the same step.
// It stays held as long as the cursor was. When turns of a user are emptied, one to be forgotten with
// the user is added for each cursor of the conversation, which stays. When a tenant is deleted, all
// cursors of a store key become a single one to be forgotten, without conversation and user.
//
// A tenant has cursors of at most sdk.MaxStoreKeys store keys. The Claim of another store key drops all
// cursors of one of them: of the store keys of which nobody holds a cursor, the one that was claimed least
// recently. Claim may do so in steps. From then on, each store key of the tenant that has no cursors begins
// with a cursor to be forgotten, without conversation and user. The reason is that the memory with this
// store key may have data from before, which was deleted in the storage meanwhile. While a store key has
// such a cursor, Claim returns only cursors to be forgotten, and returns them for all conversations,
// whatever conversation the call has.
type CursorStore interface {
	// Claim returns cursors that are behind or to be forgotten and that nobody else holds, and holds
	// them for the lease. A cursor is behind if its conversation has an ended turn with a greater
	// sequence. A conversation without a cursor of the store key has one at 0, which Claim stores.
	// Those to be forgotten come first. One with a user is not returned while another holds the
	// cursor of its conversation. A repeated Claim of one holder extends its lease and returns what it
	// holds again. Claim returns fault.Conflict for a new store key if the tenant has
	// sdk.MaxStoreKeys others and somebody holds a cursor of each.
	Claim(ctx context.Context, req *ClaimRequest) (*ClaimResult, error)
	// Advance moves a cursor that the holder has claimed, or removes one that was forgotten. It never
	// moves a cursor back, and may be repeated. It returns fault.Conflict if the holder does not have
	// the claim any more. It returns fault.NotFound if the conversation was deleted since: then the
	// cursor must be forgotten, and the next Claim returns it to the holder.
	Advance(ctx context.Context, req *AdvanceRequest) error
}

// ClaimKind says which of a tenant's cursors Claim returns.
type ClaimKind int

const (
	ClaimAll    ClaimKind = iota + 1 // those that are behind, and those to be forgotten
	ClaimForget                      // those to be forgotten, also in an ended incarnation of the tenant
	ClaimWork                        // the tenant's own cursor, which is always behind
)

// ClaimRequest asks for cursors of the call's tenant. If the call has a conversation, Claim returns
// only cursors of that conversation, and of its deleted incarnations.
type ClaimRequest struct {
	Call     sdk.Call
	StoreKey string // 1 to sdk.MaxStoreKeyBytes bytes
	Holder   string
	Lease    time.Duration
	Limit    int // 1 to sdk.MaxClaims
	Kind     ClaimKind
}

// ClaimResult is the result of Claim.
type ClaimResult struct {
	Claimed []Claimed
	More    bool // more could be claimed now
	Held    bool // others hold some that could be claimed otherwise
}

// Claimed is a cursor that the holder has claimed.
type Claimed struct {
	Conversation string // empty for the tenant's own cursor, and for the deletion of a tenant
	Incarnation  string
	Forget       bool   // what was kept must be forgotten: of the conversation, of the user in it, or of the tenant
	User         string // the owner of the conversation; with Forget: whose turns were emptied, or empty
	Sequence     int64  // the turns up to this one were followed
	Data         []byte // what the last Advance stored
}

// AdvanceRequest moves or removes a claimed cursor. Its tenant and conversation are those of the
// call.
type AdvanceRequest struct {
	Call        sdk.Call
	StoreKey    string
	Holder      string
	Incarnation string // of the conversation
	Sequence    int64
	Data        []byte        // at most sdk.MaxCursorBytes; replaces what is stored
	Forgotten   bool          // the cursor was to be forgotten and was; it is removed
	User        string        // with Forgotten: that of Claimed
	Lease       time.Duration // how long the claim lives from now on; 0 gives it up
}

package bounds

import (
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

const (
	// MaxStoragesNoted bounds the storages that one incarnation of a tenant ever writes to.
	MaxStoragesNoted = 64
	// MaxStorageNoteBytes bounds the configuration of one of them, as it is stored.
	MaxStorageNoteBytes = 64 << 10
	// MaxStorageNotesBytes bounds the configurations of all that a registration notes.
	MaxStorageNotesBytes = 1 << 20
	// MaxOwnStoragesNoted and MaxOwnStorageNotesBytes are how far a tenant's own settings may
	// use the two up. The rest is the operator's, who could name no other storage else.
	MaxOwnStoragesNoted     = MaxStoragesNoted * 3 / 4
	MaxOwnStorageNotesBytes = MaxStorageNotesBytes * 3 / 4
	// MaxFormer bounds the earlier incarnations of a tenant whose erasure is not done.
	MaxFormer = 16
	// MaxStoragesTried bounds the storages that one tenant's settings are tried with.
	MaxStoragesTried = 64
	// TrialTimeout bounds how long the plugins of one tenant's settings are asked for their
	// opinion of them.
	TrialTimeout = 15 * time.Second
	// RetainAtOnce bounds the storages that are looked through at once for what is too old,
	// RetainOfTenant those of one tenant.
	RetainAtOnce   = 8
	RetainOfTenant = 2
	// RetainSlice is how long one tenant is looked at before another has its turn.
	RetainSlice = time.Minute
	// RetainInVain is how many tenants in a row find that a storage does not answer before
	// the others do not try.
	RetainInVain = 3
	// MaxAbsent is how many ids without a tenant are remembered, so that asking for them
	// costs the storage nothing.
	MaxAbsent = 10_000
	// MaxTenantsTried is for how many tenants a host remembers that.
	MaxTenantsTried = 10_000
	// PageValues is where a page of tenants, or of versions, ends: with the one whose
	// documents, together with those before it, have so many values to judge.
	PageValues = DocumentValues
	// OwnDocumentBytes bounds a tenant's own settings as compact JSON. Sealed and escaped
	// they are stored beside the operator's, and both together within sdk.MaxDocumentBytes.
	OwnDocumentBytes = 256 << 10
)

// tenants are the bounds of what is kept for tenants, by host/registry, host/tenantstore and
// host/archive.
var tenants = []Bound{
	{
		Name: "versions", What: "The versions that are kept of a tenant's registration.",
		Each:   fmt.Sprintf("%d, of %s together; the newest %d always", storage.MaxHistoryVersions, Bytes(storage.MaxHistoryBytes), storage.MinHistoryVersions),
		Answer: "The oldest are dropped: 404 at version.",
	},
	{
		Name: "judged of a page", What: "The values of the tenants, or versions, of one page of a list that have to be judged to be shown.",
		Each:   fmt.Sprint(PageValues),
		Answer: "The page ends there, and the next goes on.",
	},
	{
		Name: "storages noted", What: "The storages that one incarnation of a tenant ever writes to. Each is noted before it is first written to, so that a purge finds it.",
		Each:   fmt.Sprintf("%d; own settings name no other after %d", MaxStoragesNoted, MaxOwnStoragesNoted),
		Answer: "422 at conversation_storage for the configuration and for turns: go back to one of them, or erase or purge the tenant",
	},
	{
		Name: "storage note", What: "The size of a tenant's conversation_storage, as it is stored.",
		Each: Bytes(MaxStorageNoteBytes), Answer: "422 at conversation_storage",
	},
	{
		Name: "storage notes", What: "The size of all storages that a registration has noted, those of earlier incarnations too.",
		Each: fmt.Sprintf("%s; for own settings %s", Bytes(MaxStorageNotesBytes), Bytes(MaxOwnStorageNotesBytes)), Answer: "422 at conversation_storage",
	},
	{
		Name: "earlier incarnations", What: "The earlier incarnations of a tenant whose erasure is not done, since a storage does not answer. One that was never written to is not counted.",
		Each: fmt.Sprint(MaxFormer), Answer: "An erasure ends those first; 409 and the storages that do not answer: bring them back, or abandon them",
	},
	{
		Name: "storages tried", What: "The storages, other than those that are noted, that a tenant's settings are tried with when they are registered, since trying one may make its database.",
		Each: fmt.Sprintf("%d in one run of a host", MaxStoragesTried), All: fmt.Sprintf("the last %d tenants are remembered", MaxTenantsTried),
		Answer: "The settings are taken, and a storage that does not work is found at the first turn.",
	},
	{
		Name: "trial", What: "The time in which the plugins of a tenant's settings are asked what they think of them, when these are registered, and at a reload.",
		Each: fmt.Sprint(TrialTimeout), Answer: "The settings are taken, and what does not work is found at the first turn; the log says so.",
	},
	{
		Name: "own settings", What: "The size of a tenant's own settings, as compact JSON without needless escapes.",
		Each:   Bytes(OwnDocumentBytes),
		Answer: "422, also for a merge patch whose result is larger",
	},
	{
		Name: "retention", What: "The storages that are looked through at once for conversations that are older than retention_days. A call that hangs is bounded by its plugin's call_timeout.",
		Each: fmt.Sprintf("%d of a tenant, %s until others have their turn", RetainOfTenant, RetainSlice), All: fmt.Sprint(RetainAtOnce),
		Answer: "It comes again after the others.",
	},
	{
		Name: "retention in vain", What: "The tenants that find, one after the other, that a storage does not answer.",
		Each: fmt.Sprintf("%d for each storage", RetainInVain), Answer: "What other tenants have there is looked at an hour later.",
	},
	{
		Name: "unknown ids", What: "The ids without a tenant that are remembered, so that asking for them again costs no query.",
		All: fmt.Sprint(MaxAbsent), Answer: "404; one that is remembered no longer is asked for anew.",
	},
}

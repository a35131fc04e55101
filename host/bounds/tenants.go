package bounds

import (
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

const (
	// MaxStoragesNoted is how many storages one incarnation of a tenant ever writes to.
	MaxStoragesNoted = 64
	// MaxStorageNoteBytes is the size of the stored configuration of one of them.
	MaxStorageNoteBytes = 64 << 10
	// MaxStorageNotesBytes is the size of all stored configurations of storages of one registration.
	MaxStorageNotesBytes = 1 << 20
	// MaxOwnStoragesNoted and MaxOwnStorageNotesBytes are how much of MaxStoragesNoted and
	// MaxStorageNotesBytes a tenant's own settings may use. The rest is for the operator, who must
	// always be able to name another storage.
	MaxOwnStoragesNoted     = MaxStoragesNoted * 3 / 4
	MaxOwnStorageNotesBytes = MaxStorageNotesBytes * 3 / 4
	// MaxEarlierIncarnations is how many earlier incarnations of a tenant may wait for their erasure.
	MaxEarlierIncarnations = 16
	// MaxStoragesTried is how many storages one tenant's settings are tried with.
	MaxStoragesTried = 64
	// TrialTimeout is how long the plugins may take to check one tenant's settings.
	TrialTimeout = 15 * time.Second
	// RetainAtOnce is how many storages are searched at once for conversations older than
	// retention_days. RetainOfTenant is how many of one tenant are.
	RetainAtOnce   = 8
	RetainOfTenant = 2
	// RetainSlice is how long the storages of one tenant are searched before another tenant's are.
	RetainSlice = time.Minute
	// RetainFailures is how many tenants in a row may find that a storage does not answer. Then it is
	// not tried for the others.
	RetainFailures = 3
	// MaxUnknownIDs is how many ids without a tenant are remembered, so that a request for one of them
	// needs no query.
	MaxUnknownIDs = 10_000
	// MaxTenantsTried is how many tenants a host remembers the tried storages of.
	MaxTenantsTried = 10_000
	// PageValues is how many values the documents of one page of tenants, or of versions, have. The page
	// ends with the document that reaches it.
	PageValues = DocumentValues
	// OwnDocumentBytes is the size of a tenant's own settings as compact JSON. They are stored sealed
	// and escaped, together with the operator's settings. Both must fit into sdk.MaxDocumentBytes.
	OwnDocumentBytes = 256 << 10
)

// tenants has the bounds of what is kept for tenants. host/registry, host/tenantstore and host/archive
// enforce them.
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
		Each: fmt.Sprint(MaxEarlierIncarnations), Answer: "An erasure ends those first; 409 and the storages that do not answer: bring them back, or abandon them",
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
		Name: "retention failures", What: "The tenants that find, one after the other, that a storage does not answer.",
		Each: fmt.Sprintf("%d for each storage", RetainFailures), Answer: "What other tenants have there is looked at an hour later.",
	},
	{
		Name: "unknown ids", What: "The ids without a tenant that are remembered, so that asking for them again costs no query.",
		All: fmt.Sprint(MaxUnknownIDs), Answer: "404; one that is remembered no longer is asked for anew.",
	},
}

package bounds

import (
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

const (
	// MaxStoragesNoted is how many storages one incarnation of a tenant may ever write to. The host
	// records each storage in the tenant's registration.
	MaxStoragesNoted = 64
	// MaxStorageNoteBytes is the maximum size of the recorded configuration of one storage.
	MaxStorageNoteBytes = 64 << 10
	// MaxStorageNotesBytes is the maximum size of all storage configurations that one registration
	// records.
	MaxStorageNotesBytes = 1 << 20
	// MaxOwnStoragesNoted and MaxOwnStorageNotesBytes are how much of MaxStoragesNoted and
	// MaxStorageNotesBytes a tenant's own settings may use. The other quarter is for the operator,
	// so that the operator can always name another storage.
	MaxOwnStoragesNoted     = MaxStoragesNoted * 3 / 4
	MaxOwnStorageNotesBytes = MaxStorageNotesBytes * 3 / 4
	// MaxEarlierIncarnations is how many earlier incarnations of a tenant may wait for their
	// erasure.
	MaxEarlierIncarnations = 16
	// MaxStoragesTried is how many storages the host tries for the settings of one tenant.
	MaxStoragesTried = 64
	// TrialTimeout is how long the plugins may take to check the settings of one tenant.
	TrialTimeout = 15 * time.Second
	// CheckTimeout is how long a plugin may take to say whether an instance works. TenantCheckTimeout
	// is how long the check of all instances of a tenant may take, with the starts of processes.
	CheckTimeout       = 10 * time.Second
	TenantCheckTimeout = 20 * time.Second
	// RetainAtOnce is how many storages the host searches at the same time for conversations older
	// than retention_days. RetainOfTenant is how many of these storages may be of one tenant.
	RetainAtOnce   = 8
	RetainOfTenant = 2
	// RetainSlice is how long the host searches the storages of one tenant before it searches the
	// storages of another tenant.
	RetainSlice = time.Minute
	// RetainFailures is the number of consecutive tenants for which a storage may fail to respond.
	// After that, the host skips the storage for the other tenants.
	RetainFailures = 3
	// DeletedAtOnce is in how many storages one erasure or purge of a tenant deletes at the same
	// time. It is below Instances, so that the tenant's turns keep room for theirs.
	DeletedAtOnce = 4
	// MaxUnknownIDs is how many ids without a tenant the host remembers. A request for a remembered
	// id needs no query.
	MaxUnknownIDs = 10_000
	// MaxTenantsTried is the maximum number of tenants whose tried storages a host remembers.
	MaxTenantsTried = 10_000
	// PageValues is how many values the documents on one page of tenants or versions have. The page
	// ends after the document that reaches the number.
	PageValues = DocumentValues
	// OwnDocumentBytes is the maximum size of a tenant's own settings as compact JSON. The own
	// settings are stored sealed and escaped, together with the operator's settings, and the whole
	// must fit into sdk.MaxDocumentBytes.
	OwnDocumentBytes = 256 << 10
)

// tenants has the bounds of the data that the host stores about tenants. The packages
// host/registry, host/tenantstore and host/archive enforce these bounds.
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
		Name: "check of an instance", What: "The time in which a plugin says whether an instance of a tenant works, when an operator asks. The instances of a tenant are checked side by side.",
		Each:   fmt.Sprintf("%s; %s for all instances of a tenant, with the starts of processes", CheckTimeout, TenantCheckTimeout),
		Answer: "The check of the instance fails with deadline.",
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
		Name: "storages deleted from", What: "The storages in which one erasure or purge deletes at the same time. `erasures and purges` bounds how many of those there are.",
		Each: fmt.Sprint(DeletedAtOnce), Answer: "The others wait until one of them is done.",
	},
	{
		Name: "unknown ids", What: "The ids without a tenant that are remembered, so that asking for them again costs no query.",
		All: fmt.Sprint(MaxUnknownIDs), Answer: "404; one that is remembered no longer is asked for anew.",
	},
}

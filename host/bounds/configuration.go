package bounds

import (
	"fmt"
	"strconv"
	"time"

	"github.com/botyard/botyard/sdk"
)

// These constants bound the documents of hosts and of tenants.
const (
	// DocumentBytes is the maximum size of a document in bytes, before it is parsed.
	DocumentBytes = 1 << 20
	// DocumentValues is the maximum number of values in a document, at all levels together. The
	// keys of maps, the elements of lists and the document itself are values.
	DocumentValues = 10_000
	// DocumentDepth is the maximum number of levels in a document.
	DocumentDepth = 64
	// KeyBytes is the maximum size of one key. PathBytes is the maximum size of all keys on the
	// path to a value together. The path is bounded because the host stores the path of every
	// value, for example in the provenance.
	KeyBytes  = 256
	PathBytes = 1 << 10
	// HCLWords is the maximum number of tokens in an HCL document; string contents, comments and
	// line ends are not counted. HCLCopied is the maximum number of bytes that the HCL parser may
	// copy to put one string together. The parser copies a string again for each of its lines and
	// escapes.
	HCLWords  = 10 * DocumentValues
	HCLCopied = 2 << 30
	// Fallbacks is how many blocks llm.fallback may have.
	Fallbacks = 4
	// StoredBytes is the maximum size of a tenant's document in a storage, where its secrets are
	// sealed. The other 2 MiB of sdk.MaxDocumentBytes are for the other data of a registration.
	StoredBytes = sdk.MaxDocumentBytes - 2<<20
	// Problems is how many problems of one configuration the host reports at once. ProblemBytes is
	// the maximum size of each of the two texts of a problem.
	Problems     = 100
	ProblemBytes = 2 << 10
)

// These constants bound the prompts of a tenant and what may stand in them.
const (
	// NamedPrompts is how many named prompts a tenant may have. PromptsBytes is the maximum size of all
	// prompts of a tenant together, with the longest values of their variables.
	NamedPrompts = 64
	PromptsBytes = 2 << 20
	// PromptMetadataKeys is how many keys of a request's metadata the prompts of a tenant may show.
	// PromptMetadataBytes is the maximum size of one value that a prompt shows. PromptMetadataAllBytes is
	// the maximum size of all values together that one prompt shows.
	PromptMetadataKeys     = 16
	PromptMetadataBytes    = 1 << 10
	PromptMetadataAllBytes = 4 << 10
	// TimezoneBytes is the maximum size of the name of a time zone.
	TimezoneBytes = 64
	// TenantIDBytes is the maximum size of a tenant's id.
	TenantIDBytes = 64
)

// These constants bound the secrets of a plugin's block, because the host searches the plugin's
// output for each secret in several encodings.
const (
	// SecretBytes is the maximum size of one secret.
	SecretBytes = 64 << 10
	// BlockSecrets is the maximum number of secrets in a block. BlockSecretsBytes is the maximum of
	// their total size.
	BlockSecrets      = 100
	BlockSecretsBytes = 256 << 10
)

// These constants bound the work on tenants' settings. To judge settings is to read, merge and
// check the settings.
const (
	// JudgedAtOnce is how many settings of all tenants the host judges at the same time.
	// JudgedAtOnceEach is how many settings of one tenant the host judges at the same time.
	JudgedAtOnce     = 4
	JudgedAtOnceEach = 1
	// JudgedForTenantsParts is which part of the processors the requests of tenants for their own
	// settings may use at the same time, but at least one processor.
	JudgedForTenantsParts = 2
	// JudgingCredit is how long the host may judge the settings of one tenant before the host
	// refuses the tenant's requests for its own settings for a while. The elapsed time divided by
	// JudgingParts is added to the tenant's credit again.
	JudgingCredit = time.Second / 4
	JudgingParts  = 10
	// SettingsUnderWay is how many requests about settings a host accepts at the same time, waiting
	// requests included. SettingsUnderWayEach is how many of these requests may be about one
	// tenant.
	SettingsUnderWay     = 256
	SettingsUnderWayEach = 16
	// FilesAppliedAtOnce is how many tenant files the host applies at the same time. Most of them
	// wait for a slot or for a plugin.
	FilesAppliedAtOnce = 64
)

// configuration has the bounds of documents, keys and checks. Package host/config enforces these
// bounds.
var configuration = []Bound{
	{
		Name: "fallbacks of a model", What: "The blocks of llm.fallback of a tenant.",
		Each: fmt.Sprint(Fallbacks), Answer: "422, at the key",
	},
	{
		Name: "document", What: "The size of a document: a host file, a tenant's file, or a tenant's settings that are put.",
		Each: Bytes(DocumentBytes), Answer: "422, or 413 far beyond it; a file is refused as any other that is wrong",
	},
	{
		Name: "values", What: "The keys of maps and elements of lists of a document, at all levels together.",
		Each: strconv.Itoa(DocumentValues), Answer: "A problem at the first that is too many",
	},
	{
		Name: "depth", What: "The levels of a document.",
		Each: strconv.Itoa(DocumentDepth), Answer: "A problem at what is nested too deeply",
	},
	{
		Name: "key", What: "The size of a key of a document.",
		Each: Bytes(KeyBytes), Answer: "A problem at the key",
	},
	{
		Name: "path", What: "The size of all keys that lead to a value of a document.",
		Each: Bytes(PathBytes), Answer: "A problem at the value",
	},
	{
		Name: "words of HCL", What: "The words and signs of an HCL document, beside its texts, comments and ends of lines.",
		Each: strconv.Itoa(HCLWords), Answer: "A problem at the first that is too many",
	},
	{
		Name: "lines of HCL", What: "The lines and escapes of one text of an HCL document, times half its size.",
		Each: Bytes(HCLCopied), Answer: "A problem at the line. The same text in YAML has no such bound.",
	},
	{
		Name: "system prompt", What: "The size of a prompt of a tenant with the longest values of its variables put in.",
		Each: Bytes(sdk.MaxSystemBytes), Answer: "A problem at the prompt, which says how large it would be. It is not made.",
	},
	{
		Name: "named prompts", What: "The prompts that requests name, prompts.named.",
		Each: strconv.Itoa(NamedPrompts), Answer: "A problem at prompts.named",
	},
	{
		Name: "all prompts", What: "The size of the system prompt and all named prompts of a tenant, with the longest values of their variables.",
		Each: Bytes(PromptsBytes), Answer: "A problem at prompts",
	},
	{
		Name: "metadata in prompts", What: "The keys of a request's metadata that the prompts of a tenant may show.",
		Each: strconv.Itoa(PromptMetadataKeys), Answer: "A problem at prompts.metadata",
	},
	{
		Name: "metadata in a prompt", What: "The size of one value of a request's metadata that the prompt of its turn shows.",
		Each: Bytes(PromptMetadataBytes), Answer: "422 at the key of metadata; a default in prompts.metadata is a problem",
	},
	{
		Name: "all metadata in a prompt", What: "The size of all values of a request's metadata that the prompt of its turn shows.",
		Each: Bytes(PromptMetadataAllBytes), Answer: "422 at metadata",
	},
	{
		Name: "secret", What: "The size of a secret, whether it is written there or referred to.",
		Each: Bytes(SecretBytes), Answer: "A problem at its key",
	},
	{
		Name: "secrets of a block", What: "The secrets of the block of one plugin, those that are referred to included.",
		Each: strconv.Itoa(BlockSecrets), Answer: "A problem at the block. No more are looked up.",
	},
	{
		Name: "bytes of a block's secrets", What: "The size of all secrets of the block of one plugin.",
		Each: Bytes(BlockSecretsBytes), Answer: "A problem at the block",
	},
	{
		Name: "stored settings", What: "The size of a tenant's settings as the registry's storage keeps them, sealed.",
		Each: Bytes(StoredBytes), Answer: "422; nothing is stored",
	},
	{
		Name: "registration", What: "The size of all that is kept of a tenant in the registry's storage: its settings, and which storages it uses and used.",
		Each: Bytes(sdk.MaxDocumentBytes), Answer: "422; nothing is stored",
	},
	{
		Name: "problems", What: "The problems that are told at once of one configuration.",
		Each: strconv.Itoa(Problems), Answer: "The first of them, and how many more there are",
	},
	{
		Name: "problem", What: "The size of what is said of one problem, and of what was expected.",
		Each: Bytes(ProblemBytes), Answer: "The text is cut off there.",
	},
	{
		Name: "judged at once", What: "How many settings of a tenant are read, merged and checked at the same time: for requests, for turns of tenants that are not loaded, for files and for reloads.",
		Each: strconv.Itoa(JudgedAtOnceEach), All: strconv.Itoa(JudgedAtOnce),
		Answer: "It waits, in turns by tenant, as long as its caller does.",
	},
	{
		Name: "judged at once for tenants", What: "How many settings are judged at the same time for requests of tenants for their own settings (`?as=tenant`), so that the other work of the host has a processor.",
		All:    "half of the processors, and one at least",
		Answer: "It waits, in turns by tenant, as long as its caller does.",
	},
	{
		Name: "time of judging", What: "How long the settings of one tenant may be judged in the long run, by requests of the tenant for its own settings (`?as=tenant`). An operator's requests, reloads and turns use the same time and do not wait for it.",
		Each:   fmt.Sprintf("%s, and %d %% of the time from then on", JudgingCredit, 100/JudgingParts),
		Answer: "429 with the time to wait, before the body is read",
	},
	{
		Name: "files applied at once", What: "How many tenant files are on their way to be served, one of each tenant. One of them is parsed at a time.",
		Each: "1", All: strconv.Itoa(FilesAppliedAtOnce), Answer: "The others wait.",
	},
	{
		Name: "settings under way", What: "How many requests that write or show settings of a tenant are under way, waiting ones included.",
		Each: strconv.Itoa(SettingsUnderWayEach), All: strconv.Itoa(SettingsUnderWay),
		Answer: "429, to be repeated after a second",
	},
}

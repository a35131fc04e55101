package bot

import (
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Parts are what a Bot is made of. The bot owns none of them: whoever makes the bot closes
// them after its last turn.
type Parts struct {
	Tenant   string
	Revision string // identifies the tenant's effective configuration
	// Incarnation is the incarnation of the tenant's id whose data the bot reads and writes.
	// It is empty if incarnations are not tracked.
	Incarnation string
	System      string // system prompt, final; empty for none
	Limits      config.Limits
	// If Shared is true, all users of the tenant share its conversations. Otherwise a
	// conversation belongs to the user who began it, and does not exist for other users.
	Shared    bool
	LLM       llm.LLM
	Memory    memory.Memory
	Storage   storage.Storage
	Plugins   map[string]string // kind to "name version", for the turns' records
	Admission *Admission        // the tenant's; all its revisions use the same one
	// Hold renews the lease with this holder in Storage until release is called. The caller
	// calls release once. A nil Hold renews nothing. See Leases.
	Hold func(holder string) (release func())
	// Unauthenticated is called when an upstream did not accept a plugin's credentials: the
	// tenant's secrets may have changed since the bot was built. May be nil.
	Unauthenticated func()
	Orphans         *OrphanCap // shared by the host's bots; if nil, New makes one for this bot
	HeldBytes       *HeldBytes // shared by the host's bots; nil means no bound
	Observer        Observer   // may be nil
	Host            string     // name of this host, for the turns' records
	Holder          string     // names this run of the host; the holders of its turns begin with it
	Log             hclog.Logger
}

// Bot runs the turns of one tenant at one revision of its configuration. It is used
// concurrently.
type Bot struct {
	Parts
	needs memory.Needs
}

// New returns a bot made of the parts.
func New(p Parts) *Bot {
	if p.Hold == nil {
		p.Hold = func(string) func() { return func() {} }
	}
	if p.Orphans == nil {
		p.Orphans = &OrphanCap{}
	}
	if p.Observer == nil {
		p.Observer = noObserver{}
	}
	return &Bot{Parts: p, needs: p.Memory.Needs()}
}

// call returns what every call of a plugin is stamped with.
func (b *Bot) call(conversation, user string) sdk.Call {
	return sdk.Call{Tenant: b.Tenant, Incarnation: b.Incarnation, Conversation: conversation, User: user}
}

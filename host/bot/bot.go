package bot

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/loglimit"
	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Parts are what New builds a Bot from. The bot does not own its parts. The caller of New
// closes the parts after the bot's last turn.
type Parts struct {
	Tenant   string
	Revision string // revision of the tenant's effective configuration
	// Incarnation is the incarnation of the tenant's id whose data the bot reads and writes. It
	// is empty if the host does not track incarnations.
	Incarnation string
	Prompts     prompt.Set
	Limits      config.Limits
	// Shared reports whether all users of the tenant share its conversations. If it is false,
	// each conversation belongs to the user who began it, and other users cannot see it.
	Shared   bool
	LLM      llm.LLM
	Fallback []Model // models that the bot asks in this order if the model before does not reply
	Memory   memory.Memory
	Storage  storage.Storage
	Brancher storage.Brancher  // nil if the storage copies no conversations
	Plugins  map[string]string // maps a kind to "name version" of its plugin; stored in the turns' records
	// Follow is set if the memory remembers past turns. It is nil otherwise.
	Follow    *Follow
	Admission *Admission // shared by all revisions of the tenant's bot
	// Hold renews the lease of the turn with this holder in Storage until release is called.
	// The bot calls release once. If Hold is nil, the bot does not renew leases. See Leases.
	Hold func(holder string) (release func())
	// Unauthenticated is called when an upstream rejects a plugin's credentials, because the
	// tenant's secrets may have changed since the bot was built. It may be nil.
	Unauthenticated func()
	Orphans         *OrphanCap // shared by all bots of the host; if nil, New creates one for this bot
	HeldBytes       *HeldBytes // shared by all bots of the host; nil means no bound
	Observer        Observer   // may be nil
	Host            string     // name of this host, stored in the turns' records
	Holder          string     // unique name of this run of the host; the holders of its turns begin with it
	// Now returns the time that a turn's prompt shows. nil means time.Now.
	Now func() time.Time
	Log hclog.Logger
}

// Follow connects a bot to the host's follower, which passes past turns to the bot's memory in the
// background.
type Follow struct {
	StoreKey string // store key of the memory, which names the memory's cursors in the storage
	// Touch tells the follower that a conversation of the tenant has something new. The bot calls it
	// after each turn that has begun. Touch does not wait.
	Touch func()
	// Forget lets the memory forget what was deleted of the conversation. The deletion is done only
	// after Forget has succeeded.
	Forget func(ctx context.Context, conversation string) error
}

// Bot runs the turns of one tenant at one revision of its configuration. It is safe for
// concurrent use.
type Bot struct {
	Parts
	needs  memory.Needs
	models []Model      // LLM, and after it Fallback
	ratios []tokenRatio // one for each model, by its index in models

	passedOverLog loglimit.Limiter // of the lines about models that did not reply, by block and class
}

// New returns a bot built from the parts. It replaces a Hold, Orphans, Observer or Now that is nil by a
// default.
func New(p Parts) *Bot {
	if p.Hold == nil {
		p.Hold = func(string) func() { return func() {} }
	}
	if p.Orphans == nil {
		p.Orphans = &OrphanCap{}
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Observer == nil {
		p.Observer = noObserver{}
	}
	models := append([]Model{{LLM: p.LLM, Block: llm.Kind, Plugin: p.Plugins[llm.Kind]}}, p.Fallback...)
	return &Bot{Parts: p, needs: p.Memory.Needs(), models: models, ratios: make([]tokenRatio, len(models))}
}

// call returns the sdk.Call that says which tenant, conversation and user a call of a plugin is
// for.
func (b *Bot) call(conversation, user string) sdk.Call {
	return sdk.Call{Tenant: b.Tenant, Incarnation: b.Incarnation, Conversation: conversation, User: user}
}

package bot

import (
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Parts are what a Bot is assembled from. The bot owns none of them: whoever
// assembled it frees them after its last turn.
type Parts struct {
	Tenant   string
	Revision string
	// Incarnation is the life of the tenant's id that the bot reads and writes; empty
	// when it is not tracked.
	Incarnation string
	System      string // system prompt, final; empty for none
	Limits      config.Limits
	// Shared says that all users share the tenant's conversations; else each is of the user
	// that it was begun with, and for other users it is not there.
	Shared    bool
	LLM       llm.LLM
	Memory    memory.Memory
	Storage   storage.Storage
	Plugins   map[string]string // kind to "name version", for turn records
	Admission *Admission        // the tenant's, shared by all its revisions
	// Hold keeps the lease of the turn with this holder in this storage until free is
	// called, which is once; may be nil.
	Hold func(holder string) (free func())
	// Unauthenticated, if set, is told when a plugin's upstream did not accept the
	// credentials: they may have been replaced since the bot was built.
	Unauthenticated func()
	Orphans         *Orphans   // the host's; nil for a bot's own
	HeldBytes       *HeldBytes // the host's; may be nil
	Observer        Observer   // told of the turns; may be nil
	Host            string     // name of this host, for turn records
	Holder          string     // this run of the host; the holders of its turns begin with it
	Log             hclog.Logger
}

// Bot answers one tenant's messages. It is used concurrently.
type Bot struct {
	Parts
	needs memory.Needs
}

// New assembles a bot.
func New(p Parts) *Bot {
	if p.Hold == nil {
		p.Hold = func(string) func() { return func() {} }
	}
	if p.Orphans == nil {
		p.Orphans = &Orphans{}
	}
	if p.Observer == nil {
		p.Observer = noObserver{}
	}
	return &Bot{Parts: p, needs: p.Memory.Needs()}
}

// call is what every call of a plugin is stamped with.
func (b *Bot) call(conversation, user string) sdk.Call {
	return sdk.Call{Tenant: b.Tenant, Incarnation: b.Incarnation, Conversation: conversation, User: user}
}

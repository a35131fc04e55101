package host

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/follow"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
)

// buildBot builds a tenant's bot for the registry. It opens an instance of each plugin and
// creates a bot with the instances. Bots with equal plugin configurations share instances. The
// registry calls release on the result.
func (h *Host) buildBot(ctx context.Context, req registry.BuildRequest) (registry.Built, error) {
	b := h.newBotBuild(req.Effective)
	built, err := b.build(ctx, req)
	if err != nil {
		b.release()
	}
	return built, err
}

// newBotBuild returns a build that has opened nothing. It notes the secrets before any plugin gets them, so
// that a secret that changes during the build, or before a late model is opened, counts as changed.
func (h *Host) newBotBuild(e *config.Effective) *botBuild {
	cfg := h.config.Load()
	return &botBuild{host: h, cfg: cfg, effective: e, pluginNames: map[string]string{}, secretSums: secretSums(cfg, e)}
}

// botBuild is the state of one build of a bot.
type botBuild struct {
	host        *Host
	cfg         *config.Host // the host's files that applied when the build started
	effective   *config.Effective
	pluginNames map[string]string            // maps the plugin kind to "name version"
	secretSums  map[string][sha256.Size]byte // as the function secretSums returns them

	mu       sync.Mutex
	open     []*plugins.Instance
	released bool
}

// build opens the instances and returns the bot. After an error the caller calls release.
func (b *botBuild) build(ctx context.Context, req registry.BuildRequest) (built registry.Built, err error) {
	h, e := b.host, b.effective
	model, err := b.firstModel(ctx)
	if err != nil {
		return built, err
	}
	memory, err := b.instance(ctx, e.Memory)
	if err != nil {
		return built, err
	}
	storage, err := b.instance(ctx, e.Storage)
	if err != nil {
		return built, err
	}
	if e.Owner == config.OwnerUser && !storage.KnowsOwners() {
		return built, fault.New(fault.Invalid, "%s", lacksOwners(e.Storage.Plugin)).
			At("conversations", "owner").By(fault.PartyTenant)
	}
	follow, err := b.follow(ctx, req, memory, storage)
	if err != nil {
		return built, err
	}
	renewer := storage.Renewer()
	return registry.Built{
		Bot: bot.New(bot.Parts{
			Tenant: e.Tenant, Revision: e.Revision, Prompts: e.Prompts, Limits: e.Limits, Shared: e.Owner == config.OwnerTenant,
			LLM: model, Fallback: b.fallbacks(), Memory: memory.Memory(), Storage: storage.Storage(), Brancher: storage.Brancher(), Plugins: b.pluginNames,
			Admission: req.Admission, Incarnation: req.Incarnation, Follow: follow,
			Hold:            func(holder string) func() { return h.leases.Hold(storage.ID(), renewer, holder) },
			Unauthenticated: func() { h.registry.DropIfStale(e.Tenant) },
			Orphans:         &h.orphans,
			HeldBytes:       h.heldBytes,
			Observer:        h.metrics,
			Host:            h.name, Holder: h.holder, Log: h.log,
		}),
		Release: b.release,
		Stale:   h.secretsChanged(e, b.secretSums),
	}, nil
}

// follow returns what connects the bot to the host's follower, or nil for a memory that remembers
// nothing. It first lets the memory forget what was deleted while the memory was not available, so that
// the bot's first turn recalls nothing of it.
func (b *botBuild) follow(ctx context.Context, req registry.BuildRequest, memory, storage *plugins.Instance) (*bot.Follow, error) {
	h, e := b.host, b.effective
	needs := memory.Memory().Needs()
	if !needs.Remember {
		return nil, nil
	}
	cursors := storage.Cursors()
	if cursors == nil {
		return nil, fault.New(fault.Invalid, "memory %q keeps something of past turns, and storage %q keeps no cursors for it (it lacks the feature %q): take another storage", e.Memory.Plugin, e.Storage.Plugin, feature.Cursor).
			At("memory", "type").By(fault.PartyTenant)
	}
	source := &follow.Source{Call: sdk.Call{Tenant: e.Tenant, Incarnation: req.Incarnation}, Storage: storage.Storage(), Cursors: cursors,
		Memory: memory.Memory(), StoreKey: needs.StoreKey}
	if err := source.ForgetDeleted(ctx, h.holder); err != nil {
		return nil, err
	}
	h.follower.Touch(e.Tenant)
	return &bot.Follow{
		StoreKey: needs.StoreKey,
		Touch:    func() { h.follower.Touch(e.Tenant) },
		Forget:   func(ctx context.Context, conversation string) error { return source.Drain(ctx, h.holder, conversation) },
	}, nil
}

// instance opens the plugin instance of a block of the tenant, and records the names of its plugin and
// the checksums of its secrets. Only build calls it, because what it records has no lock. release closes
// the instance.
func (b *botBuild) instance(ctx context.Context, block config.Block) (*plugins.Instance, error) {
	spec, err := b.spec(block)
	if err != nil {
		return nil, err
	}
	i, err := b.host.manager.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	b.keep(i)
	ref := i.Plugin()
	b.pluginNames[block.Kind] = ref.Name + " " + ref.Version
	return i, nil
}

// openInstance opens the plugin instance of a block of the tenant. It may be called after the build, and
// concurrently. The caller passes the instance to keep, or closes it.
func (b *botBuild) openInstance(ctx context.Context, block config.Block) (*plugins.Instance, error) {
	spec, err := b.spec(block)
	if err != nil {
		return nil, err
	}
	return b.host.manager.Open(ctx, spec)
}

// spec returns the spec of the plugin instance of a block of the tenant. If a secret cannot be read,
// spec logs the full error and returns a fault.Invalid that names no path. Each turn may try to open a
// model, so that spec logs the error once a minute for each block.
func (b *botBuild) spec(block config.Block) (plugins.Spec, error) {
	h, e := b.host, b.effective
	spec, err := instanceSpec(b.cfg, e, block)
	if err != nil {
		// The full error names paths, which only the operator may see.
		if leftOut, due := h.unreadable.Due(e.Tenant + "\n" + block.Path().String()); due {
			h.log.Error("a tenant's secrets cannot be read", "tenant", e.Tenant, "error", err.Error(), "left_out", leftOut)
		}
		return plugins.Spec{}, fault.New(fault.Invalid, "the settings of tenant %q refer to something that is not there any more; the host's log says what", e.Tenant).By(fault.PartyTenant)
	}
	return spec, nil
}

// keep lets release close the instance. If release was called before, keep returns false, and the caller
// closes the instance.
func (b *botBuild) keep(i *plugins.Instance) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.released {
		return false
	}
	b.open = append(b.open, i)
	return true
}

// release closes the plugin instances that the build has opened.
func (b *botBuild) release() {
	b.mu.Lock()
	open := b.open
	b.open, b.released = nil, true
	b.mu.Unlock()
	for _, i := range open {
		i.Close()
	}
}

package host

import (
	"context"
	"crypto/sha256"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// buildBot builds a tenant's bot for the registry. It opens an instance of each plugin and
// creates a bot with the instances. Bots with equal plugin configurations share instances. The
// registry calls release on the result.
func (h *Host) buildBot(ctx context.Context, req registry.BuildRequest) (registry.Built, error) {
	b := &botBuild{host: h, cfg: h.config.Load(), effective: req.Effective, pluginNames: map[string]string{}, secretSums: map[string][sha256.Size]byte{}}
	built, err := b.build(ctx, req)
	if err != nil {
		b.release()
	}
	return built, err
}

// botBuild is the state of one build of a bot.
type botBuild struct {
	host        *Host
	cfg         *config.Host // the host's files that applied when the build started
	effective   *config.Effective
	open        []*plugins.Instance
	pluginNames map[string]string            // maps the plugin kind to "name version"
	secretSums  map[string][sha256.Size]byte // maps the path of a block to the checksum of the resolved block, for blocks with references
}

func (b *botBuild) build(ctx context.Context, req registry.BuildRequest) (built registry.Built, err error) {
	h, e := b.host, b.effective
	model, err := b.instance(ctx, e.LLM)
	if err != nil {
		return built, err
	}
	memory, err := b.instance(ctx, e.Memory)
	if err != nil {
		return built, err
	}
	if memory.Memory().Needs().Remember {
		return built, fault.New(fault.Invalid, "memory %q keeps something of past turns, and this host keeps no cursor for it", e.Memory.Plugin).
			At("memory", "type").By(fault.PartyTenant)
	}
	storage, err := b.instance(ctx, e.Storage)
	if err != nil {
		return built, err
	}
	if e.Owner == config.OwnerUser && !storage.KnowsOwners() {
		return built, fault.New(fault.Invalid, "%s", lacksOwners(e.Storage.Plugin)).
			At("conversations", "owner").By(fault.PartyTenant)
	}
	renewer := storage.Renewer()
	return registry.Built{
		Bot: bot.New(bot.Parts{
			Tenant: e.Tenant, Revision: e.Revision, System: e.System, Limits: e.Limits, Shared: e.Owner == config.OwnerTenant,
			LLM: model.LLM(), Memory: memory.Memory(), Storage: storage.Storage(), Plugins: b.pluginNames,
			Admission: req.Admission, Incarnation: req.Incarnation,
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

// instance opens the plugin instance of a block of the tenant.
func (b *botBuild) instance(ctx context.Context, block config.Block) (*plugins.Instance, error) {
	h, e := b.host, b.effective
	spec, err := instanceSpec(b.cfg, e, block)
	if err != nil {
		// The full error names paths, which only the operator may see.
		h.log.Error("a tenant's secrets cannot be read", "tenant", e.Tenant, "error", err.Error())
		return nil, fault.New(fault.Invalid, "the settings of tenant %q refer to something that is not there any more; the host's log says what", e.Tenant).By(fault.PartyTenant)
	}
	i, err := h.manager.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	b.open = append(b.open, i)
	b.noteSecrets(block, spec)
	ref := i.Plugin()
	b.pluginNames[block.Kind] = ref.Name + " " + ref.Version
	return i, nil
}

// noteSecrets notes the checksums of the block and of its nested blocks, if they have references.
func (b *botBuild) noteSecrets(block config.Block, spec plugins.Spec) {
	if block.HasReferences() {
		b.secretSums[block.Path().String()] = sha256.Sum256(spec.Config)
	}
	for i, n := range block.Nested() {
		b.noteSecrets(n, spec.Nested[i])
	}
}

// release closes the plugin instances that the build has opened.
func (b *botBuild) release() {
	for _, i := range b.open {
		i.Close()
	}
}

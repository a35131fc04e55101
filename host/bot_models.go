package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// firstModelShare says which part of the rest of the build's time the first model may take to open, if the
// tenant has fallbacks: the time divided by this. The other plugins have the rest.
const firstModelShare = 2

// firstModel returns the tenant's first model, whose instance it opens. If the tenant has fallbacks, an
// instance that cannot be opened, or not in its part of the build's time, does not fail the build: each
// turn tries to open it again, and asks a fallback if that fails.
func (b *botBuild) firstModel(ctx context.Context) (llm.LLM, error) {
	e := b.effective
	opening := ctx
	if end, ok := ctx.Deadline(); ok && len(e.Fallback) > 0 {
		var cancel context.CancelFunc
		opening, cancel = context.WithTimeout(ctx, time.Until(end)/firstModelShare)
		defer cancel()
	}
	i, err := b.instance(opening, e.LLM)
	switch {
	case err == nil:
		return i.LLM(), nil
	case len(e.Fallback) == 0 || ctx.Err() != nil:
		return nil, err
	}
	b.host.log.Warn("the model of a tenant cannot be used, and its fallbacks are asked", "tenant", e.Tenant, "plugin", e.LLM.Plugin, "error", err)
	b.pluginNames[llm.Kind] = e.LLM.Plugin
	return &lateModel{build: b, block: e.LLM}, nil
}

// fallbacks returns the tenant's fallbacks. Their instances are opened when a turn first asks them.
func (b *botBuild) fallbacks() []bot.Model {
	var models []bot.Model
	for _, block := range b.effective.Fallback {
		models = append(models, bot.Model{LLM: &lateModel{build: b, block: block}, Block: block.Path().String(), Plugin: block.Plugin})
	}
	return models
}

// lateModel is a model whose instance is opened when it is first needed. The release of the bot's build
// closes the instance. A lateModel is safe for concurrent use.
type lateModel struct {
	build *botBuild
	block config.Block

	mu     sync.Mutex // not held while the instance is opened
	opened llm.LLM    // nil until the instance is open
}

var (
	_ llm.LLM          = (*lateModel)(nil)
	_ sdk.LLMDescriber = (*lateModel)(nil)
)

// OpenLLM returns the instance, and opens it if it is not open. The caller does not close it. Concurrent
// calls may each open it, which costs little, because equal blocks share one instance.
func (m *lateModel) OpenLLM(ctx context.Context) (llm.LLM, error) {
	if opened := m.ready(); opened != nil {
		return opened, nil
	}
	i, err := m.build.openInstance(ctx, m.block)
	if err != nil {
		if errors.Is(err, config.ErrUnknownPlugin) {
			err = unknownPlugin(err)
		}
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opened != nil {
		i.Close()
		return m.opened, nil
	}
	if !m.build.keep(i) {
		i.Close()
		return nil, fault.New(fault.Internal, "the bot was released")
	}
	m.opened = i.LLM()
	return m.opened, nil
}

// ready returns the instance, or nil if it is not open.
func (m *lateModel) ready() llm.LLM {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.opened
}

// Chat implements llm.LLM.
func (m *lateModel) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	opened, err := m.OpenLLM(ctx)
	if err != nil {
		return nil, err
	}
	return opened.Chat(ctx, req, emit)
}

// LLMTraits implements sdk.LLMDescriber. It returns empty traits while the instance is not open.
func (m *lateModel) LLMTraits(ctx context.Context) sdk.LLMTraits {
	if d, ok := m.ready().(sdk.LLMDescriber); ok {
		return d.LLMTraits(ctx)
	}
	return sdk.LLMTraits{}
}

// HasFeature reports whether the plugin has the feature. It returns true while the instance is not open.
func (m *lateModel) HasFeature(name string) bool {
	f, ok := m.ready().(interface{ HasFeature(string) bool })
	return !ok || f.HasFeature(name)
}

package bot

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
)

// featured is implemented by instances of plugins. A part of a bot that does not implement it is
// taken to have all features.
type featured interface {
	// HasFeature reports whether the plugin has the feature of package feature.
	HasFeature(name string) bool
}

// hasFeature reports whether a part of a bot has the feature. It returns true for a part that is not
// featured.
func hasFeature(part any, name string) bool {
	f, ok := part.(featured)
	return !ok || f.HasFeature(name)
}

// checkSupport returns an error if the storage or the first model cannot do what the request asks for.
// Chat calls it before the turn begins, so that such a turn does not begin. checkSupport also sets the
// turn's traits to those of the first model.
func (t *turn) checkSupport(ctx context.Context) error {
	switch r := &t.req; {
	case r.RetractFrom != 0 && !hasFeature(t.bot.Storage, feature.Retract):
		return lacks(feature.Retract, "the storage retracts no turns").At("retract_from")
	case len(r.Tools) > 0 && !hasFeature(t.bot.LLM, feature.Tools):
		return lacks(feature.Tools, "the provider's plugin takes no tools").At("tools")
	}
	d, ok := t.bot.LLM.(sdk.LLMDescriber)
	if !ok {
		return nil
	}
	t.traits = d.LLMTraits(ctx)
	return llm.CheckRequest(&llm.Request{Messages: t.messages, Tools: t.req.Tools, ToolChoice: t.req.ToolChoice}, t.traits)
}

// lacks returns the error for a plugin without a feature.
func lacks(name, what string) *fault.Error {
	return fault.New(fault.Unsupported, "%s: its plugin lacks the feature %q", what, name)
}

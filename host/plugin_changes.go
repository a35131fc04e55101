package host

import (
	"context"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
)

// followPlugins makes the registry check refused tenants again when a plugin that they name has
// changed, and makes the follower of the tenant folders read refused tenant files again. When ctx
// ends, it closes changes and returns.
func (h *Host) followPlugins(ctx context.Context, changes *plugins.Changes) {
	defer changes.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes.C:
		}
		changed := changes.Take()
		h.registry.Rejudge(func(e *config.Effective) bool {
			return slices.ContainsFunc(e.Blocks(), func(b config.Block) bool {
				return slices.ContainsFunc(changed, func(p plugins.PluginRef) bool { return b.Kind == p.Kind && b.Plugin == p.Name })
			})
		})
		h.tenants.RetryRefused()
	}
}

package host

import (
	"context"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
)

// followPlugins has the tenants that are refused judged again when a plugin that they name
// has changed. It also has the tenant files read again that were refused. It returns when ctx
// ends, and closes changes then.
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
			return slices.ContainsFunc(pluginBlocks(e), func(b config.Block) bool {
				return slices.ContainsFunc(changed, func(p plugins.PluginRef) bool { return b.Kind == p.Kind && b.Plugin == p.Name })
			})
		})
		h.tenants.RetryRefused()
	}
}

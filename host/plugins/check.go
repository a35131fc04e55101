package plugins

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// Check asks the plugin whether the instance can do its work now, within bounds.CheckTimeout. It does
// not check nested plugins. The error is what is wrong, with the class and a sanitized text. It is
// fault.Unsupported if the plugin does not check its instances. Check takes a slot and a permit as
// every call of the tenant does. No circuit refuses it, and its result says nothing to a circuit,
// because a check can succeed while the calls of turns fail. It does not count against the parallel
// calls of the upstream, so that an upstream that hangs in them can be checked.
func (i *Instance) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, i.m.timing.check)
	defer cancel()
	var unsupported error
	err := i.call(ctx, callOptions{tenant: i.tenant, check: true}, func(ctx context.Context, t target) error {
		_, err := pluginv1.NewPluginServiceClient(t.conn).Check(ctx, &pluginv1.CheckRequest{Instance: t.id})
		if fault.Is(err, fault.Unsupported) { // no failed call, which the list of plugins would show
			unsupported = i.sup.fromPlugin(err, fault.OriginPlugin)
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return unsupported
}

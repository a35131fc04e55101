package archive

import (
	"context"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
)

// forget calls Forget of the tenant's memory for each of the calls. It does nothing if the
// memory has no Forget. It also does nothing if e is nil, which means that the tenant has no
// valid configuration.
func (a *Archive) forget(ctx context.Context, e *config.Effective, calls ...sdk.Call) error {
	if e == nil || a.o.OpenMemory == nil {
		return nil
	}
	m, done, err := a.o.OpenMemory(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	f, ok := m.(memory.Forgetter)
	if !ok {
		return nil
	}
	for _, call := range calls {
		if err := a.retry(ctx, func() error { return f.Forget(ctx, call) }); err != nil {
			return err
		}
	}
	return nil
}

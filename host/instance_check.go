package host

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// InstanceChecks says whether the instances of a tenant can do their work now.
type InstanceChecks struct {
	// Tenant says whether the newest settings are served, and which are. If none are, there are no
	// instances.
	Tenant registry.Tenant
	// Problems is what the plugins say is wrong in the served settings.
	Problems config.Problems
	// Instances are those of the llm, the memory and the storage, each before its nested instances.
	Instances []InstanceCheck
}

// InstanceCheck is the result for one instance of a tenant.
type InstanceCheck struct {
	Block config.Block
	// Err is why the instance cannot do its work. It is nil for an instance that works, and for one
	// of which nobody knows.
	Err *fault.Error
	// Unknown says that the plugin cannot say whether the instance works.
	Unknown bool
	Took    time.Duration

	problems config.Problems
}

// OK reports whether nothing is wrong: the newest settings are served, and no instance has an error.
func (c *InstanceChecks) OK() bool {
	t := c.Tenant
	if t.Effective == nil || t.Err != nil || t.Held != nil || len(c.Problems) > 0 {
		return false
	}
	for _, i := range c.Instances {
		if i.Err != nil {
			return false
		}
	}
	return true
}

// CheckInstances opens the instances of a tenant as its next turn would, and asks each whether it can
// do its work now. It asks them side by side, for bounds.TenantCheckTimeout at most. The error is
// fault.NotFound for a tenant that is not there, or that of the tenant store.
func (h *Host) CheckInstances(ctx context.Context, tenant string) (InstanceChecks, error) {
	t, err := h.registry.Get(ctx, tenant)
	if err != nil {
		return InstanceChecks{}, err
	}
	out := InstanceChecks{Tenant: t}
	if t.Effective == nil {
		return out, nil
	}
	// Opening a storage may make its database, so the tenant's use of it is recorded before, as it is
	// before a turn. The error is also that of a tenant that was removed.
	if _, err := h.registry.WriteTarget(ctx, tenant); err != nil {
		return InstanceChecks{}, err
	}
	out.Instances = instanceChecker{plugins: h.manager, config: h.config.Load(), timeout: bounds.TenantCheckTimeout}.check(ctx, t.Effective)
	if ctx.Err() != nil {
		return InstanceChecks{}, fault.Of(context.Cause(ctx))
	}
	for _, i := range out.Instances {
		for _, p := range i.problems {
			// A secret of a nested block that cannot be read is a problem of the outer block too.
			if !slices.ContainsFunc(out.Problems, func(other config.Problem) bool { return other.String() == p.String() }) {
				out.Problems = append(out.Problems, p)
			}
		}
	}
	return out, nil
}

// instanceChecker checks the instances of tenants.
type instanceChecker struct {
	plugins *plugins.Manager
	config  *config.Host
	timeout time.Duration // of all instances of a tenant together
}

// check checks the instances of all blocks at once.
func (c instanceChecker) check(ctx context.Context, e *config.Effective) []InstanceCheck {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	blocks := e.Blocks()
	out := make([]InstanceCheck, len(blocks))
	var all sync.WaitGroup
	for i, b := range blocks {
		all.Go(func() {
			start := time.Now()
			out[i] = c.instance(ctx, e, b)
			out[i].Block, out[i].Took = b, time.Since(start)
		})
	}
	all.Wait()
	return out
}

// instance checks the instance of a block: first what its plugin says of the configuration, and then
// the instance. It does not check nested instances, which have blocks of their own.
func (c instanceChecker) instance(ctx context.Context, e *config.Effective, b config.Block) InstanceCheck {
	spec, err := instanceSpec(c.config, e, b)
	if err != nil {
		return c.failed(ctx, b, err)
	}
	if !c.plugins.IsIsolated(b.Kind, b.Plugin) {
		// Without an answer of the plugin, Open finds out why.
		if wrong, err := c.plugins.CheckConfig(ctx, spec); err == nil && len(wrong) > 0 {
			return InstanceCheck{Err: refusedSettings(b), problems: refusedKeys(e, b, wrong)}
		}
	}
	i, err := c.plugins.Open(ctx, spec)
	if err != nil {
		return c.failed(ctx, b, err)
	}
	defer i.Close()
	if err := i.Check(ctx); fault.Is(err, fault.Unsupported) {
		return InstanceCheck{Unknown: true}
	} else if err != nil {
		return c.failed(ctx, b, err)
	}
	return InstanceCheck{}
}

// failed returns the result of an instance that cannot be opened or cannot do its work because of err.
func (c instanceChecker) failed(ctx context.Context, b config.Block, err error) InstanceCheck {
	if wrong := (config.Problems)(nil); errors.As(err, &wrong) {
		return InstanceCheck{Err: refusedSettings(b), problems: wrong}
	}
	if errors.Is(err, config.ErrUnknownPlugin) {
		err = unknownPlugin(err)
	}
	f := fault.Of(err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && (f.Class == fault.Deadline || f.Class == fault.Canceled) {
		f = fault.New(fault.Deadline, "the %s plugin %q was not ready within %s", b.Kind, b.Plugin, c.timeout).By(fault.PartyPlugin)
	}
	return InstanceCheck{Err: f}
}

// refusedSettings returns the error of an instance whose settings are wrong. The problems say what is
// wrong.
func refusedSettings(b config.Block) *fault.Error {
	return fault.New(fault.Invalid, "the settings are wrong, see the problems of the configuration").At(b.Path()...).By(fault.PartyTenant)
}

package host

import (
	"context"
	"slices"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/follow"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// newFollower returns the follower of the host, which lets memories follow conversations.
func (h *Host) newFollower() *follow.Follower {
	return follow.New(follow.Options{
		Open: h.openFollowed, Tenants: h.followedTenants, Holder: h.holder, SweepEvery: h.options.FollowEvery, Log: h.log.Named("follow"),
	})
}

// openFollowed opens what is followed of a tenant: the memory and the storage of its present
// configuration. It returns nil if the memory remembers nothing.
func (h *Host) openFollowed(ctx context.Context, tenant string) (*follow.Source, func(), error) {
	s, err := h.registry.Snapshot(ctx, tenant)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) || err == nil && (s.Effective == nil || s.State == storage.TenantPurged) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := h.openBlock(ctx, s.Effective, s.Effective.Memory)
	if err != nil {
		return nil, nil, err
	}
	if !m.Memory().Needs().Remember {
		m.Close()
		return nil, nil, nil
	}
	store, err := h.openBlock(ctx, s.Effective, s.Effective.Storage)
	if err != nil {
		m.Close()
		return nil, nil, err
	}
	release := func() {
		store.Close()
		m.Close()
	}
	cursors := store.Cursors()
	if cursors == nil { // its bot is refused, and its conversations are not followed
		release()
		return nil, nil, nil
	}
	call := sdk.Call{Tenant: tenant, Incarnation: s.Incarnation.ID}
	return &follow.Source{Call: call, Storage: store.Storage(), Cursors: cursors, Memory: m.Memory(), StoreKey: m.Memory().Needs().StoreKey}, release, nil
}

// followedTenants calls visit for each tenant whose memory is of a plugin that can remember.
func (h *Host) followedTenants(ctx context.Context, visit func(tenant string) error) error {
	known := map[string]bool{}
	remembers := func(plugin string) bool {
		can, ok := known[plugin]
		if !ok {
			// The error of a plugin that cannot be asked is reported where a tenant needs it.
			can, _ = h.manager.HasFeature(ctx, memory.Kind, plugin, feature.Remember)
			known[plugin] = can
		}
		return can
	}
	o := registry.ForEachOptions{
		Wanted: func(docs config.Documents) bool {
			return slices.ContainsFunc(h.config.Load().MemoriesOf(docs), remembers)
		},
		Pause: func(time.Duration) error { return ctx.Err() },
	}
	return h.registry.ForEachTenant(ctx, o, func(s *registry.Snapshot) error {
		if s.Effective == nil || !remembers(s.Effective.Memory.Plugin) {
			return ctx.Err()
		}
		return visit(s.Tenant)
	})
}

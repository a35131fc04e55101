package config

import (
	"context"
	"slices"
)

// registryStorage is the path of the block in the host file that configures the storage of
// registered tenants.
var registryStorage = Path{"registry", "storage"}

// RegistryStorage returns the block registry.storage, or nil if no layer of the host has one.
// Its layers are merged like those of conversation_storage: a layer that selects another backend
// drops the keys of the previous backend, and a layer that changes an endpoint drops the secrets
// of lower layers. Errors are [Problems].
func (h *Host) RegistryStorage(ctx context.Context, s Schemas) (*Block, error) {
	return h.storageAt(ctx, s, registryStorage)
}

// DefaultStorage returns the block conversation_storage that tenants inherit. A missing required
// key is a problem. Errors are [Problems].
func (h *Host) DefaultStorage(ctx context.Context, s Schemas) (Block, error) {
	b, err := h.storageAt(ctx, s, Path{defaultsKey}.with(storageBlock().path...))
	if b == nil {
		return Block{}, err
	}
	return *b, err
}

func storageBlock() block { return blockOfKind("storage") }

// blockOfKind returns the tenant block of a kind of plugins.
func blockOfKind(kind string) block {
	return blocks[slices.IndexFunc(blocks, func(b block) bool { return b.kind == kind })]
}

// storageAt returns the storage block at a path of the host's layers. It returns nil if no
// layer has the path.
func (h *Host) storageAt(ctx context.Context, s Schemas, at Path) (*Block, error) {
	storage := storageBlock()
	r := &Host{Settings: h.Settings, folder: h.folder, environ: h.environ, sealer: h.sealer}
	found := false
	for _, src := range h.sources {
		sub := src.doc.at(at)
		found = found || sub != nil
		r.sources = append(r.sources, source{src.layer, src.doc.only(sub, Path{defaultsKey}.with(storage.path...))})
	}
	if !found {
		return nil, nil
	}
	base := r.inherited(ctx, s)
	a := tenantMerge{host: r, base: base, layers: base.layersForTenant(ctx, s), schemas: map[string]*Schema{}, effective: &Effective{}}
	a.tree = a.layers.values.Raw()
	if slices.Equal(at, registryStorage) {
		storage.hosts = nil // retention_days belongs to conversation_storage only
	}
	b := a.block(storage)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i, p := range a.problems {
		if rest, ok := p.Path.relativeTo(Path{defaultsKey}.with(storage.path...)); ok {
			a.problems[i].Path = at.with(rest...)
		} else if rest, ok := p.Path.relativeTo(storage.path); ok {
			a.problems[i].Path = at.with(rest...)
		}
	}
	if err := a.problems.err(); err != nil {
		return nil, err
	}
	return &b, nil
}

// IsRegistrySame reports whether both hosts have an equal block registry.storage.
func (h *Host) IsRegistrySame(other *Host) bool {
	of := func(h *Host) string {
		b := Block{Config: map[string]any{}}
		if registry, ok := h.hostMerge.tree[registryStorage[0]].(map[string]any); ok {
			b.Config[registryStorage[1]] = registry[registryStorage[1]]
		}
		return b.digest(h.sealer)
	}
	return of(h) == of(other)
}

package archive

import (
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// openTarget opens the storage that the import writes to, if it is not open yet. If the tenant
// does not exist and ImportOptions.Register is set, openTarget registers the tenant first.
func (i *importer) openTarget() error {
	if i.store != nil {
		return nil
	}
	target, err := i.a.o.Registry.WriteTarget(i.ctx, i.id)
	if fault.Is(err, fault.NotFound) {
		refused := i.registerTenant(err)
		if refused != nil && !fault.Is(refused, fault.Conflict) {
			return refused
		}
		// A conflict may mean that another caller has registered the tenant at the same time.
		// So the registry is asked again.
		if target, err = i.a.o.Registry.WriteTarget(i.ctx, i.id); refused != nil && fault.Is(err, fault.NotFound) {
			return refused
		}
	}
	if err != nil {
		return err
	}
	store, err := i.a.openStorage(i.ctx, i.id, target.Storage)
	if err != nil {
		return err
	}
	if store.Importer == nil {
		store.Close()
		return labeled(target.Storage, fault.New(fault.Invalid, "it takes no turns that ended elsewhere"))
	}
	i.store, i.block, i.incarnation = store, target.Storage, target.Incarnation
	return nil
}

func (i *importer) closeStorage() {
	if i.store != nil {
		i.store.Close()
	}
}

// registerTenant registers the tenant with the configuration in the export. notFound is the
// error that says that the tenant does not exist. If ImportOptions.Register is not set,
// registerTenant returns notFound with advice in its message.
func (i *importer) registerTenant(notFound error) error {
	switch {
	case !i.o.Register:
		f := *fault.Of(notFound)
		f.Message += ": register it first, or have it registered with the configuration of the export"
		return &f
	case i.settings == nil:
		return fault.New(fault.Invalid, "the tenant cannot be registered with this export, which is one user's and has no configuration")
	case len(i.settings.LeftOut)+len(i.settings.OwnLeftOut) > 0:
		return fault.New(fault.Invalid, "the tenant cannot be registered with this export, which its secrets are left out of: register it with them first (%s)",
			strings.Join(append(slices.Clone(i.settings.LeftOut), i.settings.OwnLeftOut...), ", "))
	}
	doc, err := config.ParseStored("tenant "+i.id, i.settings.Config)
	if err != nil {
		return err
	}
	t, err := i.a.o.Registry.Put(i.ctx, i.id, doc, registry.PutOptions{IfNone: true, Note: "registered by an import"})
	i.done.Registered = t.Created
	if err != nil || i.settings.Own == nil {
		return err
	}
	// The tenant policy of this host decides which own settings a tenant may have. The policy
	// of the exporting host may have allowed more.
	own, err := config.ParseStored(tenantstore.OwnName, i.settings.Own)
	if err == nil {
		_, err = i.a.o.Registry.Put(i.ctx, i.id, own, registry.PutOptions{Author: tenantstore.Tenant, IfNone: true, Note: "registered by an import"})
	}
	if err != nil {
		return fault.New(fault.Invalid, "the tenant is registered with the operator's configuration of the export, but its own settings are refused here; the import can be repeated without them: %w", err)
	}
	return nil
}

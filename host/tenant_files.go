package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantdir"
)

// lastGood is the folder in data_dir with the last valid version of each tenant file.
const lastGood = "last-good"

// followTenants registers the tenants of the tenant folders. It then starts to follow changes of
// the tenant files and of the plugins until the host is closed.
func (h *Host) followTenants(ctx context.Context, changes *plugins.Changes) error {
	var kept *tenantdir.LastGood
	if h.key != nil {
		var err error
		dir := filepath.Join(h.Settings().DataDir, lastGood)
		if kept, err = tenantdir.OpenLastGood(dir, h.key, h.log); err != nil {
			return fmt.Errorf("data_dir: %w", err)
		}
	}
	h.tenants = tenantdir.New(tenantdir.Options{
		Dirs: h.Settings().TenantDirs, Target: fileTenants{h.registry}, LastGood: kept, Log: h.log,
	})
	if err := h.tenants.Load(ctx); err != nil {
		return err
	}
	h.startBackground(h.tenants.Run)
	h.startBackground(func(ctx context.Context) { h.followPlugins(ctx, changes) })
	return nil
}

// ConfirmRemoved stops serving the tenants that the host still serves only because too many
// tenant files vanished at once. It returns their ids.
func (h *Host) ConfirmRemoved() []string { return h.tenants.ConfirmRemoved() }

// IgnoredTenantFiles returns the files in the tenant folders that look like tenant files but are
// ignored, with the reasons.
func (h *Host) IgnoredTenantFiles() []tenantdir.Ignored { return h.tenants.Ignored() }

// fileTenants registers the tenants of tenant files in the registry.
type fileTenants struct{ registry *registry.Registry }

var _ tenantdir.Target = fileTenants{}

// Apply implements tenantdir.Target.
func (f fileTenants) Apply(ctx context.Context, id, path string, doc *config.Document) ([]config.Path, error) {
	// checkFree comes before the content is checked: if another tenant has the id, the file is
	// refused even if its content is valid.
	if err := f.checkFree(ctx, id); err != nil {
		return nil, err
	}
	t, err := f.registry.Put(ctx, id, doc, registry.PutOptions{Source: path})
	if err != nil {
		return nil, err
	}
	secrets, _ := t.Effective.TenantSecrets()
	return secrets.Literals, nil
}

// checkFree returns a takenError if the id belongs to a tenant that does not come from a file.
func (f fileTenants) checkFree(ctx context.Context, id string) error {
	if why := f.registry.IDTaken(ctx, id); why != nil {
		return &takenError{why}
	}
	return nil
}

// Refuse implements tenantdir.Target.
func (f fileTenants) Refuse(id, path string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), takenTimeout)
	defer cancel()
	if taken := f.checkFree(ctx, id); !errors.Is(taken, tenantdir.ErrTaken) {
		f.registry.RefuseFile(id, path, err)
	}
}

// Drop implements tenantdir.Target.
func (f fileTenants) Drop(id, path string) { f.registry.DropFile(id, path) }

// takenTimeout is how long Refuse waits for the tenant store to say whether a registered tenant
// has the id.
const takenTimeout = 5 * time.Second

// takenError holds the reason why a tenant file cannot have an id. errors.Is matches it to
// tenantdir.ErrTaken.
type takenError struct{ error }

func (e *takenError) Is(target error) bool { return target == tenantdir.ErrTaken }

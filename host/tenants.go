package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantdir"
)

// followTenants registers what the tenant folders hold, and follows them, and the
// plugins that tenants need, until the host is closed.
func (h *Host) followTenants(ctx context.Context, key *secret.Key, changes *plugins.Changes) error {
	var store *tenantdir.LastGood
	if key != nil {
		var err error
		dir := filepath.Join(h.Settings().DataDir, lastGood)
		if store, err = tenantdir.OpenLastGood(dir, key, h.log); err != nil {
			return fmt.Errorf("data_dir: %w", err)
		}
	}
	h.tenants = tenantdir.New(tenantdir.Options{
		Dirs: h.Settings().TenantDirs, Target: fileTenants{h.registry}, LastGood: store, Log: h.log,
	})
	if err := h.tenants.Load(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.follow.Go(func() { h.tenants.Run(running) })
	h.follow.Go(func() { h.followPlugins(running, changes) })
	return nil
}

// followPlugins has tenants that are refused judged again when a plugin changed, until
// ctx ends.
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
			return slices.ContainsFunc(changed, func(p plugins.PluginRef) bool {
				return slices.ContainsFunc([]config.Block{e.LLM, e.Memory, e.Storage}, func(b config.Block) bool {
					return b.Kind == p.Kind && b.Plugin == p.Name
				})
			})
		})
		h.tenants.RetryRefused()
	}
}

// ConfirmRemoved stops serving the tenants whose files vanished so many at once
// that they were held, and returns their ids.
func (h *Host) ConfirmRemoved() []string { return h.tenants.ConfirmRemoved() }

// IgnoredTenantFiles returns the files in the tenant folders that look like a tenant's
// and bring none, and why.
func (h *Host) IgnoredTenantFiles() []tenantdir.Ignored { return h.tenants.Ignored() }

// lastGood is the folder in data_dir of the tenants' last good files.
const lastGood = "last-good"

// fileTenants puts tenants of files into the registry.
type fileTenants struct{ registry *registry.Registry }

var _ tenantdir.Target = fileTenants{}

// Apply implements tenantdir.Target.
func (f fileTenants) Apply(ctx context.Context, id, path string, doc *config.Document) ([]config.Path, error) {
	// Before it is judged: a newcomer with a taken id is refused whatever is in it.
	if err := f.free(ctx, id); err != nil {
		return nil, err
	}
	t, err := f.registry.Put(ctx, id, doc, registry.PutOptions{Source: path})
	if err != nil {
		return nil, err
	}
	secrets, _ := t.Effective.TenantSecrets()
	return secrets.Literals, nil
}

func (f fileTenants) free(ctx context.Context, id string) error {
	if why := f.registry.IDTaken(ctx, id); why != nil {
		return &takenError{why}
	}
	return nil
}

// Refuse implements tenantdir.Target.
func (f fileTenants) Refuse(id, path string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), takenTimeout)
	defer cancel()
	if taken := f.free(ctx, id); !errors.Is(taken, tenantdir.ErrTaken) {
		f.registry.RefuseFile(id, path, err)
	}
}

// Drop implements tenantdir.Target.
func (f fileTenants) Drop(id, path string) { f.registry.DropFile(id, path) }

// takenTimeout bounds asking who has an id.
const takenTimeout = 5 * time.Second

type takenError struct{ error }

func (e *takenError) Is(target error) bool { return target == tenantdir.ErrTaken }

package cli

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// plugins checks that each plugin can be started, and says whether its file is pinned to a
// checksum.
func (d *doctor) plugins(ctx context.Context, files *files) {
	rows := files.plugins.Status()
	if len(rows) == 0 {
		d.add(levelWarning, "plugin", strings.Join(d.settings.PluginDirs, ", "), "no plugin was found")
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.Kind+row.Name] {
			continue
		}
		seen[row.Kind+row.Name] = true
		where := row.Kind + " " + row.Name
		if _, err := files.plugins.Schema(ctx, row.Kind, row.Name); err != nil {
			d.add(levelWarning, "plugin", where, fault.Of(err).Message)
			continue
		}
		for _, now := range files.plugins.Status() {
			if now.Kind == row.Kind && now.Name == row.Name && now.Version != "" {
				row = now
			}
		}
		pinned := "nothing pins it"
		if d.settings.Plugin(row.Kind, row.Name).SHA256 != "" {
			pinned = "the host file pins it"
		} else if isFile(filepath.Join(filepath.Dir(row.Path), "botyard.lock")) {
			pinned = "botyard.lock pins it"
		}
		d.add(levelOK, "plugin", where, strings.TrimSpace(fmt.Sprintf("%s answers; %s has sha256 %s, and %s", row.Version, row.Path, row.SHA256, pinned)))
	}
}

// storageTimeout bounds the check of one storage.
const storageTimeout = 20 * time.Second

// storages opens each storage that the host file and the tenant files name.
func (d *doctor) storages(ctx context.Context, files *files) {
	seen := map[[sha256.Size]byte]bool{}
	open := func(where string, e *config.Effective, b config.Block, probe func(context.Context, *plugins.Instance) error) {
		resolved, err := files.host.ResolveBlock(e, b)
		if err != nil {
			return // The error is already among the problems of addFiles.
		}
		sum := sha256.Sum256(append([]byte(b.Plugin+"\x00"), resolved.Config...))
		if seen[sum] {
			return
		}
		seen[sum] = true
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		i, err := files.plugins.Open(ctx, plugins.Spec{Kind: b.Kind, Name: b.Plugin, Tenant: host.StorageScope, Config: resolved.Config, Secrets: resolved.Secrets})
		if err == nil {
			defer i.Close()
			err = probe(ctx, i)
		}
		if err != nil {
			d.add(levelProblem, "storage", where, b.Plugin+" does not work: "+fault.Of(err).Message)
			return
		}
		d.add(levelOK, "storage", where, b.Plugin+" answers")
	}
	if block, err := host.RegistryStorage(ctx, files.host, files.plugins); err == nil && block != nil {
		open("registry.storage", &config.Effective{}, *block, probeTenantStore)
	}
	for _, path := range files.tenants {
		if e, err := files.tenant(ctx, path); err == nil {
			open(path, e, e.Storage, probeStorage)
		}
	}
}

// probeTenantStore makes a call that a tenant store answers quickly.
func probeTenantStore(ctx context.Context, i *plugins.Instance) error {
	_, err := i.TenantStore().TenantChanges(ctx, 0, 0)
	return err
}

// probeStorage makes a call that a storage of conversations answers quickly.
func probeStorage(ctx context.Context, i *plugins.Instance) error {
	_, err := i.Storage().List(ctx, &storage.ListRequest{Call: sdk.Call{Tenant: host.StorageScope}, Limit: 1})
	return err
}

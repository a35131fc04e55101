package cli

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/spf13/cobra"
)

func newStorage() *cobra.Command {
	c := &cobra.Command{Use: "storage", Short: "Work on the storages that a host file names", RunE: needsCommand}
	c.AddCommand(newStorageMigrate(), newStorageBackup())
	return c
}

// openStorage is an open storage that the host file names.
type openStorage struct {
	at       string // the key in the host file, such as registry.storage
	backend  string
	config   []byte // the resolved configuration, which contains secrets
	instance *plugins.Instance
}

// eachStorage calls do with the tenant store, if the host file names one, and then with the
// storage that tenants inherit.
func (f *files) eachStorage(ctx context.Context, do func(openStorage) error) error {
	registry, err := f.host.RegistryStorage(ctx, f.plugins)
	if err != nil {
		return err
	}
	inherited, err := f.host.DefaultStorage(ctx, f.plugins)
	if err != nil {
		return err
	}
	if registry != nil {
		if err := f.withStorage(ctx, "registry.storage", *registry, do); err != nil {
			return err
		}
	}
	return f.withStorage(ctx, "defaults.conversation_storage", inherited, do)
}

// withStorage opens a storage, calls do, and closes it.
func (f *files) withStorage(ctx context.Context, at string, b config.Block, do func(openStorage) error) error {
	resolved, err := f.host.ResolveBlock(&config.Effective{}, b)
	if err != nil {
		return err
	}
	i, err := f.plugins.Open(ctx, plugins.Spec{
		Kind: b.Kind, Name: b.Plugin, Tenant: host.StorageScope, Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	defer i.Close()
	if err := do(openStorage{at: at, backend: b.Plugin, config: resolved.Config, instance: i}); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

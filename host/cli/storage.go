package cli

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/spf13/cobra"
)

func newStorage() *cobra.Command {
	c := &cobra.Command{Use: "storage", Short: "Work on the storages that a host file names", RunE: needsCommand}
	c.AddCommand(newStorageMigrate(), newStorageBackup())
	return c
}

// migrated is what storage migrate did to one storage.
type migrated struct {
	Storage       string   `json:"storage"` // where the host file names it
	Backend       string   `json:"backend"`
	SchemaVersion int      `json:"schema_version,omitempty"`
	OldestVersion int      `json:"oldest_version,omitempty"` // schema version of the oldest plugin that may use it
	Steps         []string `json:"steps"`
}

func newStorageMigrate() *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", Short: "Migrate the host file's storages to the schema version of the installed plugins",
		Long: "Migrate the storages that the host file names to the schema version of the installed plugins: the\nstorage of the registry, and the one that tenants inherit. A plugin expands a database itself when it\nfirst uses it, so that older plugins still work beside it. When all hosts have the new plugins,\n--contract removes what only the older ones need. The older ones are refused from then on.",
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	asJSON := addJSON(c)
	contract := c.Flags().Bool("contract", false, "also remove what only older plugins need, and refuse those from then on")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var done []migrated
		stop := newProgress(cmd.ErrOrStderr()).waiting("the storages are migrated")
		err := withFiles(cmd.Context(), f, func(files *files) (err error) {
			done, err = files.migrate(cmd.Context(), storage.MigrateOptions{Contract: *contract})
			return err
		})
		stop()
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, done)
		}
		for _, m := range done {
			out := cmd.OutOrStdout()
			if m.SchemaVersion == 0 {
				fmt.Fprintf(out, "%s (%s) has no schema version to migrate\n", m.Storage, m.Backend)
				continue
			}
			fmt.Fprintf(out, "%s (%s) has schema version %d; plugins from schema version %d on may use it\n", m.Storage, m.Backend, m.SchemaVersion, m.OldestVersion)
			for _, step := range m.Steps {
				fmt.Fprintf(out, "  %s\n", step)
			}
		}
		return nil
	}
	return c
}

func (f *files) migrate(ctx context.Context, opts storage.MigrateOptions) ([]migrated, error) {
	done := []migrated{}
	err := f.eachStorage(ctx, func(s openStorage) error {
		m := migrated{Storage: s.at, Backend: s.backend, Steps: []string{}}
		if migrator := s.instance.Migrator(); migrator != nil {
			result, err := migrator.Migrate(ctx, opts)
			if err != nil {
				return err
			}
			m.SchemaVersion, m.OldestVersion, m.Steps = result.SchemaVersion, result.OldestVersion, append(m.Steps, result.Steps...)
		}
		done = append(done, m)
		return nil
	})
	return done, err
}

// openStorage is a storage that the host file names, open for a command.
type openStorage struct {
	at       string // where the host file names it
	backend  string
	config   []byte // resolved: secret
	instance *plugins.Instance
}

// eachStorage calls do with the storage of the registry, if there is one, and with that
// which tenants inherit.
func (f *files) eachStorage(ctx context.Context, do func(openStorage) error) error {
	registry, named, err := f.host.RegistryStorage(ctx, f.plugins)
	if err != nil {
		return err
	}
	inherited, err := f.host.DefaultStorage(ctx, f.plugins)
	if err != nil {
		return err
	}
	if named {
		if err := f.withStorage(ctx, "registry.storage", registry, do); err != nil {
			return err
		}
	}
	return f.withStorage(ctx, "defaults.conversation_storage", inherited, do)
}

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

package cli

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/spf13/cobra"
)

// storageMigration is the result of "storage migrate" for one storage.
type storageMigration struct {
	Storage       string `json:"storage"` // the key in the host file, such as registry.storage
	Backend       string `json:"backend"`
	SchemaVersion int    `json:"schema_version,omitempty"`
	// the oldest schema version whose plugins may use the database
	OldestVersion int      `json:"oldest_version,omitempty"`
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
		var done []storageMigration
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

// migrate migrates each storage that has a schema version.
func (f *files) migrate(ctx context.Context, opts storage.MigrateOptions) ([]storageMigration, error) {
	done := []storageMigration{}
	err := f.eachStorage(ctx, func(s openStorage) error {
		m := storageMigration{Storage: s.at, Backend: s.backend, Steps: []string{}}
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

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// storageBackup is the result of "storage backup" for one storage.
type storageBackup struct {
	Storage string `json:"storage"` // the key in the host file, such as registry.storage
	Backend string `json:"backend"`
	Path    string `json:"path,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"`
	// Reason says why the storage was not copied; empty if it was copied.
	Reason string `json:"reason,omitempty"`
}

func newStorageBackup() *cobra.Command {
	c := &cobra.Command{
		Use: "backup --to FOLDER", Short: "Copy the host file's databases, if they are files on this machine",
		Long: "Copy the databases that the host file names into a folder: the database of the registry, and the one that\ntenants inherit. Each copy is the database at one moment. A host may run meanwhile. A copy has the\nconversations and the sealed secrets of all tenants: keep it as safe as the database, and keep\ndata_dir/host.key with it. No file is overwritten.",
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	asJSON := addJSON(c)
	to := c.Flags().String("to", "", "`FOLDER` for the copies; it is created if it does not exist")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if *to == "" {
			return usage(errors.New("--to FOLDER is missing"))
		}
		folder, err := filepath.Abs(*to)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		var done []storageBackup
		stop := newProgress(cmd.ErrOrStderr()).waiting("copying the databases")
		err = withFiles(cmd.Context(), f, func(files *files) (err error) {
			done, err = files.backup(cmd.Context(), folder)
			return err
		})
		stop()
		if *asJSON && err == nil {
			return printJSON(cmd, done)
		}
		copies := 0
		for _, b := range done {
			if b.Reason != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is not copied: %s\n", b.Storage, b.Backend, b.Reason)
				continue
			}
			copies++
			fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is copied to %s, %d bytes\n", b.Storage, b.Backend, filepath.Join(*to, filepath.Base(b.Path)), b.Bytes)
		}
		if err == nil && copies == 0 {
			err = errors.New("there is nothing that could be copied")
		}
		return err
	}
	return c
}

// backup copies the database of each storage into the folder.
func (f *files) backup(ctx context.Context, folder string) ([]storageBackup, error) {
	done := []storageBackup{}
	var first openStorage
	err := f.eachStorage(ctx, func(s openStorage) error {
		b := storageBackup{Storage: s.at, Backend: s.backend}
		backuper := s.instance.Backuper()
		switch {
		case first.backend == s.backend && bytes.Equal(first.config, s.config):
			b.Reason = "it is the database of " + first.at
		case backuper == nil:
			b.Reason = "its plugin has no file to copy; use what its database brings along, as pg_dump"
		default:
			copied, err := backuper.Backup(ctx, folder)
			if err != nil {
				return err
			}
			b.Path, b.Bytes = copied.Path, copied.Bytes
		}
		first = s
		done = append(done, b)
		return nil
	})
	return done, err
}

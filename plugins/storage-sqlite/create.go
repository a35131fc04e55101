package sqlitestore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/botyard/botyard/sdk/fault"
)

// tryCreate checks whether a database can be created at the path. It tries this in a temporary
// folder beside the path. It does not create the database itself, because the check of a
// configuration must not leave an empty database at a path from which an operator has moved a
// database away for a while.
func tryCreate(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(dir, ".try-")
	if err != nil {
		return err
	}
	err = tryCreateIn(filepath.Join(scratch, filepath.Base(path)))
	return errors.Join(err, os.RemoveAll(scratch))
}

func tryCreateIn(path string) error {
	if err := create(path); err != nil {
		return err
	}
	w, err := connect(path, writerPragmas)
	if err != nil {
		return err
	}
	return errors.Join(enableWAL(w), w.close())
}

// create creates the folder and the file with access for the host's user only. If the file exists,
// create does not open it, because closing the file would release the locks of other sessions of
// this process. If a write-ahead log exists without its database, create returns an error, because
// SQLite would delete that log.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if isMissing(path) {
		if left, err := os.Stat(path + "-wal"); err == nil && left.Size() > 0 {
			return fault.New(fault.ProviderFailed, "the database's file is gone, but its write-ahead log %s-wal is there; "+
				"put the file back, or remove the log too", filepath.Base(path)).By(fault.PartyHost).After(settled)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	// Without a sync of the folder, a power loss may remove the new file.
	return errors.Join(d.Sync(), d.Close())
}

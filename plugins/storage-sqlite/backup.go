package sqlitestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	sqlite3 "modernc.org/sqlite/lib"
)

var _ storage.Backuper = (*Store)(nil)

// Backup implements [storage.Backuper]. The copy has the content of the database at one moment. The
// copy is a single file without a write-ahead log. Turns can begin and end during a backup.
func (s *Store) Backup(ctx context.Context, folder string) (*storage.BackupFile, error) {
	if !filepath.IsAbs(folder) {
		return nil, fault.New(fault.Invalid, "is not an absolute path").At("folder")
	}
	if err := s.requireFile(); err != nil {
		return nil, err
	}
	// The copy gets its final name when it is complete. Until then its name ends in .partial.
	name := filepath.Join(folder, filepath.Base(s.path))
	if _, err := os.Lstat(name); err == nil {
		return nil, fault.New(fault.Conflict, "there is a file %s already; choose another folder", name).By(fault.PartyCaller)
	}
	partial := name + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unwritable(err)
	}
	if f, err := os.OpenFile(partial, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
		return nil, unwritable(err)
	} else if err := f.Close(); err != nil {
		return nil, unwritable(err)
	}
	if err := s.copyInto(ctx, partial); err != nil {
		return nil, errors.Join(err, removeIfThere(partial))
	}
	size, err := keep(partial, name)
	if err != nil {
		return nil, errors.Join(unwritable(err), removeIfThere(partial))
	}
	return &storage.BackupFile{Path: name, Bytes: size}, nil
}

// copyInto copies the database into the empty file at path.
func (s *Store) copyInto(ctx context.Context, path string) error {
	// The write opens the database, which expands it to the newest schema version of this plugin.
	if err := s.write(ctx, func(*session) error { return nil }); err != nil {
		return err
	}
	c, err := connect(s.path, writerPragmas)
	if err != nil {
		return s.classify(err)
	}
	_, err = c.conn.ExecContext(ctx, "VACUUM INTO ?", path)
	err = errors.Join(err, c.close())
	// The full disk is the disk of the copy, because VACUUM INTO only reads the database.
	if code(err) == sqlite3.SQLITE_FULL {
		return noRoom(err)
	}
	return s.classify(err)
}

// keep syncs the partial file to the disk and renames it to name. It returns the size of the file
// in bytes.
func keep(partial, name string) (int64, error) {
	f, err := os.OpenFile(partial, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(partial, name); err != nil {
		return 0, err
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return 0, err
	}
	return info.Size(), errors.Join(d.Sync(), d.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unwritable returns the fault for a folder in which the copy cannot be written.
func unwritable(err error) error {
	if outOfSpace(err) {
		return noRoom(err)
	}
	return fault.New(fault.Invalid, "the copy cannot be written: %w", err).By(fault.PartyCaller).At("folder")
}

func noRoom(err error) error {
	return fault.New(fault.ProviderFailed, "the disk of the folder has no room for the copy: %w", err).By(fault.PartyHost).At("folder")
}

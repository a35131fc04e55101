package sqlitestore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// migration has the SQL that brings the database from one schema version to the next.
type migration struct {
	// expand adds the tables and columns of the new schema version. Plugins of the previous version
	// still work with them.
	expand string
	// contract removes tables and columns that only plugins of older versions need. After that,
	// these plugins refuse the database.
	contract string
}

// migrations has the migration to schema version n at index n-1. A database stores its schema
// version in the pragma user_version. Its table meta stores the schema version of the oldest plugin
// that may use the database.
type migrations []migration

//go:embed migrations/*.sql
var migrationFiles embed.FS

// readMigrations reads the files N.sql and, where they exist, N.contract.sql, for N = 1, 2 and so
// on. It stops at the first N without N.sql.
func readMigrations(files fs.FS) (migrations, error) {
	var all migrations
	for {
		n := len(all) + 1
		expand, err := fs.ReadFile(files, fmt.Sprintf("migrations/%d.sql", n))
		if errors.Is(err, fs.ErrNotExist) && n > 1 {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		contract, err := fs.ReadFile(files, fmt.Sprintf("migrations/%d.contract.sql", n))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, migration{string(expand), string(contract)})
	}
}

// newest returns the newest schema version that this plugin knows.
func (l migrations) newest() int { return len(l) }

// schemaVersion returns the schema version of the database, and the schema version of the oldest
// plugin that may use it. Both are 0 for an empty database.
func schemaVersion(w *session) (now, oldest int, err error) {
	if _, err := w.get([]any{&now}, "PRAGMA user_version"); err != nil || now == 0 {
		return 0, 0, err
	}
	_, err = w.get([]any{&oldest}, "SELECT value FROM meta WHERE name = 'oldest'")
	return now, oldest, err
}

// checkOldest returns fault.Invalid if this plugin is too old for the database.
func (l migrations) checkOldest(s *session) error {
	var oldest int
	if _, err := s.get([]any{&oldest}, "SELECT value FROM meta WHERE name = 'oldest'"); err != nil {
		return err
	}
	if oldest > l.newest() {
		return fault.New(fault.Invalid, "is for plugins of schema version %d and later, and this plugin knows version %d; update the plugin %q",
			oldest, l.newest(), Name).At("path").By(fault.PartyTenant)
	}
	return nil
}

var _ storage.Migrator = (*Store)(nil)

// Migrate implements [storage.Migrator]. The database is already expanded when it is opened, so
// that Migrate without Contract usually does nothing.
func (s *Store) Migrate(ctx context.Context, opts storage.MigrateOptions) (*storage.Migration, error) {
	if err := s.requireFile(); err != nil {
		return nil, err
	}
	var m *storage.Migration
	parts := []func(*session) ([]string, error){s.migrations.expand}
	if opts.Contract {
		parts = append(parts, s.migrations.contract)
	}
	err := s.classify(s.writer.outside(ctx, func(w *session) (err error) {
		m = &storage.Migration{}
		for _, part := range parts {
			var steps []string
			err := retryBusy(func() (err error) {
				steps, err = part(w)
				return err
			})
			if err != nil {
				return err
			}
			m.Steps = append(m.Steps, steps...)
		}
		m.SchemaVersion, m.OldestVersion, err = schemaVersion(w)
		return err
	}))
	if err != nil {
		return nil, err
	}
	return m, nil
}

// expand brings the database to the newest schema version that this plugin knows. It returns a
// description of each step. If several processes call expand at once, only one of them changes the
// database.
func (l migrations) expand(w *session) (steps []string, err error) {
	now, _, err := schemaVersion(w)
	if err != nil {
		return nil, err
	}
	if now > 0 {
		if err := l.checkOldest(w); err != nil || now >= l.newest() {
			return nil, err
		}
	}
	err = w.transaction("BEGIN IMMEDIATE", func() error {
		if now, _, err = schemaVersion(w); err != nil {
			return err
		}
		for n := now + 1; n <= l.newest(); n++ {
			if err := w.script(l[n-1].expand); err != nil {
				return fmt.Errorf("expand to schema version %d: %w", n, err)
			}
			steps = append(steps, fmt.Sprintf("expanded to schema version %d", n))
		}
		// SQLite accepts no parameters in a pragma.
		return w.script(fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", max(now, l.newest()), applicationID))
	})
	return steps, err
}

// contract runs the contract statements of all schema versions that this plugin knows, and returns
// a description of each step. After that, plugins of older schema versions refuse the database.
func (l migrations) contract(w *session) (steps []string, err error) {
	err = w.transaction("BEGIN IMMEDIATE", func() error {
		_, oldest, err := schemaVersion(w)
		if err != nil {
			return err
		}
		for n := oldest + 1; n <= l.newest(); n++ {
			if err := w.script(l[n-1].contract); err != nil {
				return fmt.Errorf("contract to schema version %d: %w", n, err)
			}
			steps = append(steps, fmt.Sprintf("contracted to schema version %d", n))
		}
		_, err = w.exec("UPDATE meta SET value = max(value, ?) WHERE name = 'oldest'", l.newest())
		return err
	})
	return steps, err
}

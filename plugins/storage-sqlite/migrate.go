package sqlitestore

import (
	"context"

	"github.com/botyard/botyard/sdk/storage"
)

var _ storage.Migrator = (*Store)(nil)

// Migrate implements [storage.Migrator]. A database is expanded when it is opened, so
// without Contract there is seldom anything left to do.
func (s *Store) Migrate(ctx context.Context, opts storage.MigrateOptions) (*storage.Migration, error) {
	if err := s.exists(); err != nil {
		return nil, err
	}
	var m *storage.Migration
	parts := []func(*session) ([]string, error){s.layouts.expand}
	if opts.Contract {
		parts = append(parts, s.layouts.contract)
	}
	err := s.classify(s.writer.apart(ctx, func(w *session) (err error) {
		m = &storage.Migration{}
		for _, part := range parts {
			var steps []string
			err := patiently(func() (err error) {
				steps, err = part(w)
				return err
			})
			if err != nil {
				return err
			}
			m.Steps = append(m.Steps, steps...)
		}
		m.SchemaVersion, m.OldestVersion, err = of(w)
		return err
	}))
	if err != nil {
		return nil, err
	}
	return m, nil
}

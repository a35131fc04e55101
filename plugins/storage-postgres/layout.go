package pgstore

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

//go:embed layouts/*.sql
var files embed.FS

// layout is one version of the tables. Its files only add to those of the version
// before, so that plugins which know only that one go on; what they alone need is
// taken away by finish, and that shuts them out.
type layout struct {
	what   string
	files  []string
	finish string // SQL; empty where nothing is to be taken away
}

// layouts are the versions, from 1. A layout that was released never changes.
var layouts = []layout{{
	what: "make conversations, turns and the tenants' registry",
	files: []string{"layouts/0001_tables.sql", "layouts/0001_turns.sql", "layouts/0001_deletion.sql",
		"layouts/0001_import.sql", "layouts/0001_registry.sql"},
}}

// sql is all of the layout's files, for the schema.
func (l layout) sql(schema string) (string, error) {
	var all strings.Builder
	for _, name := range l.files {
		text, err := files.ReadFile(name)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	return strings.ReplaceAll(all.String(), "@schema@", schema), nil
}

// Migrate implements [storage.Migrator].
func (s *Store) Migrate(ctx context.Context, finish bool) (*storage.Migration, error) {
	m, err := s.migrate(ctx, finish)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return m, nil
}

// migrate brings the database to the newest layout that this version knows. Whoever
// comes at the same time waits for its end: the lock is the transaction's, so that a
// pooler between does not matter.
func (s *Store) migrate(ctx context.Context, finish bool) (*storage.Migration, error) {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	c, err := s.pool.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	m := &storage.Migration{}
	err = pgx.BeginFunc(ctx, c.Conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0)), set_config('statement_timeout', '0', true)`,
			"botyard layout of "+s.schema); err != nil {
			return err
		}
		return s.bring(ctx, tx, m, finish)
	})
	if err != nil {
		return nil, err
	}
	for _, step := range m.Steps {
		s.log.Info("the database was changed", "schema", s.schema, "step", step)
	}
	return m, nil
}

// bring does what is to be done, under the lock.
func (s *Store) bring(ctx context.Context, tx pgx.Tx, m *storage.Migration, finish bool) error {
	st, err := s.look(ctx, tx)
	if err != nil {
		return err
	}
	if err := st.usable(len(s.steps), s.schema); err != nil {
		return err
	}
	run := func(step, sql string) error {
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		m.Steps = append(m.Steps, step)
		return nil
	}
	if !st.schema {
		if err := run("make the schema", `create schema `+s.schema); err != nil {
			return err
		}
	}
	if st.layout == 0 {
		// Of one row: which layout there is, and that of the oldest plugin that may use it.
		sql := strings.ReplaceAll(`create table @schema@.layout (
				one boolean primary key default true check (one), version int not null, oldest int not null);
			insert into @schema@.layout (version, oldest) values (0, 1)`, "@schema@", s.schema)
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		st.oldest = 1
	}
	m.Layout, m.Oldest = st.layout, st.oldest
	for ; m.Layout < len(s.steps); m.Layout++ {
		next := s.steps[m.Layout]
		sql, err := next.sql(s.schema)
		if err != nil {
			return fault.New(fault.Internal, "%w", err).By(fault.PartyPlugin)
		}
		if err := run(fmt.Sprintf("layout %d: %s", m.Layout+1, next.what), sql); err != nil {
			return err
		}
	}
	for ; finish && m.Oldest < len(s.steps); m.Oldest++ {
		if err := run(fmt.Sprintf("layout %d: shut out older plugins", m.Oldest+1), s.finishing(s.steps[m.Oldest])); err != nil {
			return err
		}
	}
	if m.Layout != st.layout || m.Oldest != st.oldest {
		if _, err := tx.Exec(ctx, `update `+s.schema+`.layout set version = $1, oldest = $2`, m.Layout, m.Oldest); err != nil {
			return err
		}
	}
	return s.grant(ctx, tx, st, m)
}

// finishing is the SQL that contracts to the layout.
func (s *Store) finishing(l layout) string {
	if l.finish == "" {
		return "select"
	}
	return strings.ReplaceAll(l.finish, "@schema@", s.schema)
}

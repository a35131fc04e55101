package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

//go:embed layouts/*.sql
var files embed.FS

// layout is one version of the tables. Up only adds to the version before, so that
// plugins which know only that one go on; what they alone need is taken away by
// finish, and that shuts them out. They notice at the next statement that is gone: each
// function of theirs, and what their statements without one name. The schema's name stands where @schema@ is written.
type layout struct {
	what   string
	up     string // SQL
	finish string // SQL; empty where nothing is to be taken away
}

// layouts are the versions, from 1. A layout that was released never changes.
var layouts = []layout{{
	what: "make conversations, turns and the tenants' registry",
	up:   sqlOf("0001_tables", "0001_turns", "0001_deletion", "0001_import", "0001_registry"),
}, {
	what: "know whose turns are whose",
	up:   sqlOf("0002_owners"),
	finish: `drop function @schema@.begin_1(text, text, text, json, json, int, text, interval, text, bytea, text);
		drop function @schema@.import_1(text, text, text, bigint[], bigint[], text[], text[], text[], text[], text[], bigint[], text[],
			text[], text[], text[], timestamptz[], timestamptz[])`,
}}

// sqlOf reads files of a layout.
func sqlOf(names ...string) string {
	var all strings.Builder
	for _, name := range names {
		text, err := files.ReadFile("layouts/" + name + ".sql")
		if err != nil {
			panic("pgstore: " + err.Error()) // it is in the binary, or was never built
		}
		all.Write(text)
	}
	return all.String()
}

// Migrate implements [storage.Migrator].
func (s *Store) Migrate(ctx context.Context, opts storage.MigrateOptions) (*storage.Migration, error) {
	m, err := s.migrate(ctx, opts)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return m, nil
}

// migrate brings the database to the newest layout that this version knows. Whoever
// comes at the same time waits for its end: the lock is the transaction's, so that a
// pooler between does not matter.
func (s *Store) migrate(ctx context.Context, opts storage.MigrateOptions) (*storage.Migration, error) {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	c, err := s.pool.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	m := &storage.Migration{}
	err = pgx.BeginFunc(ctx, c.Conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ownPath+`, pg_catalog.set_config('statement_timeout', '0', true)`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, "botyard layout of "+s.schema); err != nil {
			return err
		}
		return s.bring(ctx, tx, m, opts)
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
func (s *Store) bring(ctx context.Context, tx pgx.Tx, m *storage.Migration, opts storage.MigrateOptions) error {
	st, err := s.look(ctx, tx)
	if err != nil {
		return err
	}
	if err := s.usable(st); err != nil {
		return err
	}
	run := func(step, sql string) error {
		if _, err := tx.Exec(ctx, in(s.schema, sql), pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		m.Steps = append(m.Steps, step)
		return nil
	}
	if !st.schema {
		if err := run("make the schema", `create schema @schema@`); err != nil {
			return err
		}
	}
	if st.layout == 0 {
		// Of one row: which layout there is, and that of the oldest plugin that may use it.
		if _, err := tx.Exec(ctx, in(s.schema, `create table @schema@.layout (
				one boolean primary key default true check (one), version int not null, oldest int not null);
			insert into @schema@.layout (version, oldest) values (0, 1)`), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		st.oldest = 1
	}
	m.SchemaVersion, m.OldestVersion = st.layout, st.oldest
	if st.layout > 0 && m.SchemaVersion < len(s.steps) {
		if err := s.refuseInvalidIndex(ctx, tx); err != nil {
			return err
		}
	}
	for ; m.SchemaVersion < len(s.steps); m.SchemaVersion++ {
		next := s.steps[m.SchemaVersion]
		if err := run(fmt.Sprintf("layout %d: %s", m.SchemaVersion+1, next.what), next.up); err != nil {
			return err
		}
	}
	for ; opts.Contract && m.OldestVersion < len(s.steps); m.OldestVersion++ {
		if err := run(fmt.Sprintf("layout %d: shut out older plugins", m.OldestVersion+1), s.steps[m.OldestVersion].finish); err != nil {
			return err
		}
	}
	if m.SchemaVersion != st.layout || m.OldestVersion != st.oldest {
		if _, err := tx.Exec(ctx, `update `+s.schema+`.layout set version = $1, oldest = $2`, m.SchemaVersion, m.OldestVersion); err != nil {
			return err
		}
	}
	return s.grant(ctx, tx, st, m)
}

// refuseInvalidIndex refuses a database with an index that somebody began to make
// concurrently, and that is no good: a layout takes an index that is there for its own.
func (s *Store) refuseInvalidIndex(ctx context.Context, tx pgx.Tx) error {
	var name string
	err := tx.QueryRow(ctx, `select c.relname from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace where not i.indisvalid and n.nspname = $1 order by 1 limit 1`, s.cfg.Schema).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Invalid, "the index %s in the schema %s of the database is invalid, since its making was broken off: drop it, and make it again", name, s.cfg.Schema).By(fault.PartyTenant)
}

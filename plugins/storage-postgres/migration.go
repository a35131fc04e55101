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

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration has the SQL that brings the tables from one schema version to the next. expand only
// adds objects, so that plugins of the previous version still work. contract removes objects that
// only plugins of older versions need. A statement of such a plugin then fails, and the plugin
// refuses the database. In the SQL, @schema@ stands for the quoted name of the schema.
type migration struct {
	what     string // description for operators
	expand   string
	contract string // empty when there is nothing to remove
}

// migrations has the migration to schema version n at index n-1. A released migration must not
// change any more.
var migrations = []migration{{
	what:   "make conversations, turns and the tenants' registry",
	expand: readSQL("0001_tables", "0001_turns", "0001_deletion", "0001_import", "0001_registry"),
}, {
	what:   "know whose turns are whose",
	expand: readSQL("0002_owners"),
	contract: `drop function @schema@.begin_1(text, text, text, json, json, int, text, interval, text, bytea, text);
		drop function @schema@.import_1(text, text, text, bigint[], bigint[], text[], text[], text[], text[], text[], bigint[], text[],
			text[], text[], text[], timestamptz[], timestamptz[])`,
}, {
	what:   "keep messages as the host encoded them",
	expand: readSQL("0003_bodies"),
	contract: `drop function @schema@.begin_2(text, text, text, json, json, int, text, interval, text, bytea, text, boolean);
		drop function @schema@.commit_1(text, text, bigint, bigint, text, text, json, int, json, json);
		drop function @schema@.import_2(text, text, text, bigint[], bigint[], text[], text[], text[], text[], text[], bigint[], text[],
			text[], text[], text[], timestamptz[], timestamptz[])`,
}, {
	what:   "begin turns with several messages, retract and branch, and follow conversations",
	expand: readSQL("0004_turns", "0004_import", "0004_branch", "0004_cursors", "0004_deletion"),
	contract: `drop function @schema@.begin_3(text, text, text, json, json, text, interval, text, bytea, text, boolean, bytea);
		drop function @schema@.import_3(text, text, text, bigint[], bigint[], text[], text[], text[], text[], text[], bigint[], text[],
			text[], text[], text[], timestamptz[], timestamptz[], bytea[], bytea[])`,
}}

// readSQL returns the concatenated texts of the named embedded files.
func readSQL(names ...string) string {
	var all strings.Builder
	for _, name := range names {
		text, err := migrationFiles.ReadFile("migrations/" + name + ".sql")
		if err != nil {
			panic("pgstore: " + err.Error()) // cannot happen, because the file is embedded
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

// migrate brings the database to the newest schema version that this plugin knows. It does this in
// one transaction with an advisory lock, so that hosts that start at the same time wait for each
// other. The lock belongs to the transaction, because a lock of the session would not work through
// a pooler.
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
		// The text of this lock must stay the same, because plugins of all versions use it.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, "botyard layout of "+s.schema); err != nil {
			return err
		}
		return s.migrateLocked(ctx, tx, m, opts)
	})
	if err != nil {
		return nil, err
	}
	for _, step := range m.Steps {
		s.log.Info("the database was changed", "schema", s.schema, "step", step)
	}
	return m, nil
}

// migrateLocked inspects the database, runs the missing migrations and stores the result in m.
// Locked: tx holds the advisory lock.
func (s *Store) migrateLocked(ctx context.Context, tx pgx.Tx, m *storage.Migration, opts storage.MigrateOptions) error {
	st, err := s.inspectIn(ctx, tx)
	if err != nil {
		return err
	}
	if err := s.checkUsable(st); err != nil {
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
	if st.version == 0 {
		if _, err := tx.Exec(ctx, in(s.schema, `create table @schema@.layout (
				one boolean primary key default true check (one), version int not null, oldest int not null);
			insert into @schema@.layout (version, oldest) values (0, 1)`), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		st.oldest = 1
	}
	m.SchemaVersion, m.OldestVersion = st.version, st.oldest
	if st.version > 0 && m.SchemaVersion < len(s.migrations) {
		if err := s.refuseInvalidIndex(ctx, tx); err != nil {
			return err
		}
	}
	for ; m.SchemaVersion < len(s.migrations); m.SchemaVersion++ {
		next := s.migrations[m.SchemaVersion]
		if err := run(fmt.Sprintf("expand to schema version %d: %s", m.SchemaVersion+1, next.what), next.expand); err != nil {
			return err
		}
	}
	for ; opts.Contract && m.OldestVersion < len(s.migrations); m.OldestVersion++ {
		if err := run(fmt.Sprintf("contract to schema version %d: older plugins are refused", m.OldestVersion+1), s.migrations[m.OldestVersion].contract); err != nil {
			return err
		}
	}
	if m.SchemaVersion != st.version || m.OldestVersion != st.oldest {
		if _, err := tx.Exec(ctx, `update `+s.schema+`.layout set version = $1, oldest = $2`, m.SchemaVersion, m.OldestVersion); err != nil {
			return err
		}
	}
	return s.ensureRole(ctx, tx, st, m)
}

// refuseInvalidIndex returns fault.Invalid if the schema has an invalid index. PostgreSQL leaves an
// invalid index when "create index concurrently" fails. The statement "create index if not exists"
// of a migration would accept the invalid index.
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

package storagetest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var migrateRules = []Rule{{
	Name:  "migrate",
	Doc:   "Migrate is idempotent: a repeat finds nothing to do, what is kept stays, and turns go on meanwhile.",
	Check: checkMigrate,
}}

func checkMigrate(ctx context.Context, env *Env) error {
	migrator, ok := env.Storage.(storage.Migrator)
	if !ok {
		return ErrSkip
	}
	c := env.talk("c")
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	running, err := c.start(ctx, "two")
	if err != nil {
		return err
	}
	first, err := migrator.Migrate(ctx, storage.MigrateOptions{})
	if fault.Is(err, fault.Unsupported) { // the storage is a client, and its plugin is not a Migrator
		return ErrSkip
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if first.SchemaVersion < 1 || first.OldestVersion > first.SchemaVersion {
		return fmt.Errorf("the schema version is %d, for plugins of version %d and later", first.SchemaVersion, first.OldestVersion)
	}
	for i := range 2 {
		m, ok := env.any(i).(storage.Migrator)
		if !ok {
			return fmt.Errorf("opening %d of the storage does not migrate", i)
		}
		again, err := m.Migrate(ctx, storage.MigrateOptions{})
		if err != nil {
			return fmt.Errorf("migrate again: %w", err)
		}
		if again.SchemaVersion != first.SchemaVersion || again.OldestVersion != first.OldestVersion || len(again.Steps) > 0 {
			return fmt.Errorf("migrate again: %+v after %+v; want the same, without steps", *again, *first)
		}
	}
	if n, err := c.end(ctx, running.Fence, storage.Succeeded, "two"); err != nil || n != 2 {
		return fmt.Errorf("commit of a turn begun before: number %d, error %v; want 2", n, err)
	}
	return c.pages(ctx, everyTurn, 10, 2)
}

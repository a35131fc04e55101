package sqlitestore

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// next returns the migrations of this plugin and one more, like those of a later version of the
// plugin.
func next(t *testing.T) migrations {
	t.Helper()
	known, err := readMigrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	return append(known, migration{
		expand:   "CREATE TABLE renewals (holder TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT",
		contract: "DROP TABLE renewals; CREATE TABLE finished (a TEXT) STRICT",
	})
}

func openLayouts(t *testing.T, dir string, l migrations) (*Store, error) {
	t.Helper()
	s, err := open(Config{Path: "botyard.db"}, env(dir), l, time.Now)
	if err == nil {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return s, err
}

// TestMigrate_oneByOne lets two versions of the plugin use one file until the newer version
// contracts the file. It checks that both versions work before the contraction, and that the older
// version then returns fault.Invalid.
func TestMigrate_oneByOne(t *testing.T) {
	dir := t.TempDir()
	old := openStore(t, dir)
	end(t, old, begin(t, old))
	migrated := func(s *Store, finish bool, want storage.Migration) {
		t.Helper()
		m, err := s.Migrate(t.Context(), storage.MigrateOptions{Contract: finish})
		if err != nil || m.SchemaVersion != want.SchemaVersion || m.OldestVersion != want.OldestVersion || !slices.Equal(m.Steps, want.Steps) {
			t.Errorf("migrate, finish %t: %+v, %v; want %+v", finish, m, err, want)
		}
	}
	migrated(old, false, storage.Migration{SchemaVersion: 4, OldestVersion: 1})
	young, err := openLayouts(t, dir, next(t))
	if err != nil {
		t.Fatal(err)
	}
	migrated(young, false, storage.Migration{SchemaVersion: 5, OldestVersion: 1})
	if n := end(t, young, begin(t, old)); n != 2 {
		t.Errorf("a turn that the old began and the new ended became number %d", n)
	}
	again := openStore(t, dir) // the old version is started after the new version
	if n := end(t, again, begin(t, young)); n != 3 {
		t.Errorf("a turn that the new began and the old ended became number %d", n)
	}
	migrated(old, true, storage.Migration{SchemaVersion: 5, OldestVersion: 4, Steps: []string{"contracted to schema version 2", "contracted to schema version 3", "contracted to schema version 4"}})
	migrated(young, true, storage.Migration{SchemaVersion: 5, OldestVersion: 5, Steps: []string{"contracted to schema version 5"}})
	migrated(young, true, storage.Migration{SchemaVersion: 5, OldestVersion: 5})

	refused := func(what string, err error) {
		t.Helper()
		e := fault.Of(err)
		if e == nil || e.Class != fault.Invalid || e.Path.String() != "path" || !strings.Contains(e.Message, "update the plugin") {
			t.Errorf("%s by the old plugin: %v; want it told to be updated", what, err)
		}
	}
	known, err := readMigrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openLayouts(t, dir, known)
	refused("opening", err)
	_, err = old.Begin(t.Context(), &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: hi})
	refused("a begin", err)
	_, err = again.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 1})
	refused("a read", err)
	if n := end(t, young, begin(t, young)); n != 4 {
		t.Errorf("the next turn became number %d", n)
	}
}

// TestMigrate_contractBesideWrites contracts the file while another process has a write transaction
// open. It checks that Migrate waits for the transaction, and that the transaction commits although
// Migrate waits. In use, a turn or the janitor of another process may write at any time.
func TestMigrate_contractBesideWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		other := openStore(t, dir)
		end(t, other, begin(t, other)) // creates the file
		s, err := openLayouts(t, dir, next(t))
		if err != nil {
			t.Fatal(err)
		}
		goOn, written := make(chan struct{}), make(chan error, 1)
		go func() {
			written <- other.write(t.Context(), func(tx *session) error {
				_, err := tx.exec("INSERT INTO holders (holder, until) VALUES ('beside', 1)")
				<-goOn
				return err
			})
		}()
		synctest.Wait() // the transaction is open
		type result struct {
			m   *storage.Migration
			err error
		}
		migrated := make(chan result, 1)
		go func() {
			m, err := s.Migrate(t.Context(), storage.MigrateOptions{Contract: true})
			migrated <- result{m, err}
		}()
		synctest.Wait() // the migration pauses between two attempts to get the lock
		if len(migrated) > 0 {
			t.Error("the migration did not wait for the write")
		}
		close(goOn)
		if err := <-written; err != nil {
			t.Errorf("the write beside the migration: %v", err)
		}
		r := <-migrated
		if r.err != nil || !slices.Equal(r.m.Steps, []string{"contracted to schema version 2", "contracted to schema version 3", "contracted to schema version 4", "contracted to schema version 5"}) {
			t.Errorf("migrate: %+v, %v; want the contraction to wait for the write", r.m, r.err)
		}
		var rows int
		err = s.read(t.Context(), func(tx *session) error {
			_, err := tx.get([]any{&rows}, "SELECT count(*) FROM holders WHERE holder = 'beside'")
			return err
		})
		if err != nil || rows != 1 {
			t.Errorf("%d rows of the write are there, %v; want 1", rows, err)
		}
	})
}

// TestExpand_openedTogether checks that Stores of two plugin versions can open one new file at the
// same time.
func TestExpand_openedTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			l := next(t)
			s, err := open(Config{Path: "botyard.db"}, env(dir), l[:1+i%2], time.Now)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.List(t.Context(), &storage.ListRequest{Call: call, Limit: 1}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestExpand_fails checks that a failed expansion changes nothing in the file.
func TestExpand_fails(t *testing.T) {
	dir := t.TempDir()
	end(t, openStore(t, dir), begin(t, openStore(t, dir)))
	broken := append(next(t), migration{expand: "CREATE TABLE half (a); CREATE TABLE half (a)"})
	if s, err := openLayouts(t, dir, broken); err == nil { // Open may succeed, and the Read must then fail
		_, err = s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 1})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("read after a failed expansion: %v", err)
		}
	}
	s := openStore(t, dir)
	m, err := s.Migrate(t.Context(), storage.MigrateOptions{})
	if err != nil || m.SchemaVersion != 4 {
		t.Errorf("after a failed expansion: %+v, %v; want schema version 4", m, err)
	}
}

func TestReadMigrations(t *testing.T) {
	files := fstest.MapFS{}
	for i, name := range []string{"1", "2", "2.contract", "3", "5"} {
		files["migrations/"+name+".sql"] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- %d", i)}
	}
	got, err := readMigrations(files)
	want := migrations{{expand: "-- 0"}, {expand: "-- 1", contract: "-- 2"}, {expand: "-- 3"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := readMigrations(fstest.MapFS{}); err == nil {
		t.Error("no migrations at all are no error")
	}
}

// TestMigrate_writersOfOldPlugins checks that the deletion of a user also empties turns that a
// plugin of schema version 2 wrote before or after the migration.
func TestMigrate_writersOfOldPlugins(t *testing.T) {
	dir := t.TempDir()
	writeSchema2(t, dir)
	s := openStore(t, dir)
	bob := ofSchema2
	bob.Conversation, bob.User = "", "bob"
	old := schema2Plugin{t, rawSession(t, s.path)}
	turnsOf(t, s, "after", "ann")
	old.begin("after", "bob", `{"role":"user","parts":[{"text":"it is bob"}]}`)
	old.commit("after", `[{"role":"assistant","parts":[{"text":"hello"}]}]`)
	page, err := s.List(t.Context(), &storage.ListRequest{Call: bob, Limit: 10, Wrote: true})
	if err != nil || len(page.Conversations) != 2 {
		t.Errorf("what a user wrote before and after the upgrade: %+v, %v", page, err)
	}
	d, err := s.Delete(t.Context(), storage.Scope{Call: bob})
	if err != nil || d != (storage.Deleted{Emptied: 2}) {
		t.Errorf("deleting the user: %+v, %v", d, err)
	}
	var left int
	if _, err := old.w.get([]any{&left}, "SELECT count(*) FROM turns WHERE user = 'bob' OR user = '' AND message IS NOT NULL"); err != nil || left > 0 {
		t.Errorf("%d turns of the user are left, %v", left, err)
	}
}

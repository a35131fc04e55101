package sqlitestore

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// succeed runs a turn that succeeds in the conversation.
func succeed(ctx context.Context, s *Store, conversation string) error {
	c := sdk.Call{Tenant: "t", Conversation: conversation}
	r, err := s.Begin(ctx, &storage.BeginRequest{Call: c, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi")), Holder: "h", Lease: time.Minute, Attempt: conversation})
	if err != nil {
		return err
	}
	_, err = s.Commit(ctx, &storage.CommitRequest{Call: c, Fence: r.Started.Fence, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "yes"))})
	return err
}

// succeedSoon calls succeed again and again until it succeeds. It fails the test if an error is not
// retryable. The first calls may fail, because the writer refuses all queued writes at once while
// the file is missing.
func succeedSoon(t *testing.T, s *Store, conversation string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		err := succeed(t.Context(), s, conversation)
		if err == nil {
			return
		}
		if !fault.Of(err).Retryable || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// conversations returns the ids of the conversations that s lists, separated by spaces. It repeats
// the call after a retryable error.
func conversations(t *testing.T, s *Store) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		page, err := s.List(t.Context(), &storage.ListRequest{Call: sdk.Call{Tenant: "t"}, Limit: 100})
		if err != nil {
			if !fault.Of(err).Retryable || time.Now().After(end) {
				t.Fatal(err)
			}
			continue
		}
		var ids []string
		for _, c := range page.Conversations {
			ids = append(ids, c.ID)
		}
		return strings.Join(ids, " ")
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// old sets the modification time of the file to one hour ago, so that the file looks like a backup.
func old(t *testing.T, path string) {
	t.Helper()
	ago := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, ago, ago); err != nil {
		t.Fatal(err)
	}
}

// backedUp returns a Store in dir, the path of its database, and the path of a backup. The backup
// has the conversation "kept". The database also has the conversation "lost".
func backedUp(t *testing.T, dir string) (s *Store, path, copied string) {
	t.Helper()
	s, path = openStore(t, dir), filepath.Join(dir, "botyard.db")
	if err := succeed(t.Context(), s, "kept"); err != nil {
		t.Fatal(err)
	}
	f, err := s.Backup(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := succeed(t.Context(), s, "lost"); err != nil {
		t.Fatal(err)
	}
	if got := conversations(t, s); got != "kept lost" {
		t.Fatalf("before: %s", got)
	}
	old(t, f.Path)
	return s, path, f.Path
}

// TestFile_replaced replaces a database that is in use with a backup, in each way in which
// operators do so. It checks that later reads and writes use the backup.
func TestFile_replaced(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path, copied string){
		"renamed over":                 func(t *testing.T, path, copied string) { move(t, copied, path) },
		"moved away, then renamed":     func(t *testing.T, path, copied string) { move(t, path, path+".old"); move(t, copied, path) },
		"all moved away, then renamed": func(t *testing.T, path, copied string) { moveAll(t, path); move(t, copied, path) },
		"removed with what is beside it": func(t *testing.T, path, copied string) {
			for _, suffix := range fileSuffixes {
				_ = os.Remove(path + suffix)
			}
			move(t, copied, path)
		},
		"a copy with a write-ahead log of its own": func(t *testing.T, path, copied string) {
			// Another program has written to the backup, and its write-ahead log still exists.
			other := openStore(t, filepath.Dir(copied))
			if err := succeed(t.Context(), other, "later"); err != nil {
				t.Fatal(err)
			}
			moveAll(t, path)
			for _, suffix := range fileSuffixes {
				content, err := os.ReadFile(copied + suffix)
				if err != nil || os.WriteFile(path+suffix, content, 0o600) != nil {
					t.Fatal(err)
				}
				old(t, path+suffix)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			want, dir, path := "kept", t.TempDir(), ""
			if strings.HasPrefix(name, "a copy") {
				want = "kept later"
			}
			// The cleanup of this subtest closes the Store.
			t.Run("in use", func(t *testing.T) {
				var s *Store
				var copied string
				s, path, copied = backedUp(t, dir)
				replace(t, path, copied)
				if got := conversations(t, s); got != want {
					t.Errorf("after: %s; want %s", got, want)
				}
				succeedSoon(t, s, "new")
				want += " new"
				if got := conversations(t, s); got != want {
					t.Errorf("after a turn: %s; want %s", got, want)
				}
			})
			again := openStore(t, filepath.Dir(path))
			if got := conversations(t, again); got != want {
				t.Errorf("after a restart: %s; want %s", got, want)
			}
			var verdict string
			if err := again.read(t.Context(), func(tx *session) error {
				_, err := tx.get([]any{&verdict}, "PRAGMA integrity_check")
				return err
			}); err != nil || verdict != "ok" {
				t.Errorf("integrity: %s, %v", verdict, err)
			}
		})
	}
}

// moveAll renames the files of the database with the given suffixes. Without suffixes it renames
// all of them.
func moveAll(t *testing.T, path string, suffixes ...string) {
	t.Helper()
	if len(suffixes) == 0 {
		suffixes = fileSuffixes[:]
	}
	for _, suffix := range suffixes {
		move(t, path+suffix, path+".old"+suffix)
	}
}

// TestFile_missing checks that calls fail and create no file while the database is missing, and
// that calls succeed when the database is back.
func TestFile_missing(t *testing.T) {
	s, path, _ := backedUp(t, t.TempDir())
	moveAll(t, path)
	for range 2 {
		if err := succeed(t.Context(), s, "new"); !fault.Is(err, fault.ProviderFailed) || !strings.Contains(err.Error(), "is gone") {
			t.Errorf("a turn: %v", err)
		}
		if _, err := s.List(t.Context(), &storage.ListRequest{Call: call, Limit: 1}); !fault.Is(err, fault.ProviderFailed) {
			t.Errorf("a list: %v", err)
		}
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("an empty database was made in its place")
	}
	for _, suffix := range fileSuffixes {
		move(t, path+".old"+suffix, path+suffix)
	}
	old(t, path)
	succeedSoon(t, s, "new")
	if got := conversations(t, s); got != "kept lost new" {
		t.Errorf("back again: %s", got)
	}
}

// TestFile_replacedOfTwoHosts checks that two Stores notice a replacement one after the other, and
// that the second Store removes no file of the replacement. The new files may have the inode
// numbers of the old files.
func TestFile_replacedOfTwoHosts(t *testing.T) {
	for range 5 {
		first, path, copied := backedUp(t, t.TempDir())
		second := openStore(t, filepath.Dir(path))
		if got := conversations(t, second); got != "kept lost" {
			t.Fatalf("before: %s", got)
		}
		for _, suffix := range fileSuffixes {
			if err := os.Remove(path + suffix); err != nil {
				t.Fatal(err)
			}
		}
		// Both Stores close the old files when their calls fail.
		for _, s := range []*Store{first, second} {
			if err := succeed(t.Context(), s, "gone"); !fault.Is(err, fault.ProviderFailed) {
				t.Fatal(err)
			}
			if _, err := s.List(t.Context(), &storage.ListRequest{Call: call, Limit: 1}); !fault.Is(err, fault.ProviderFailed) {
				t.Fatal(err)
			}
		}
		move(t, copied, path)
		for i, s := range []*Store{first, second, first, second} {
			name := string("abcd"[i])
			succeedSoon(t, s, name)
			// The first Store changed the file when it opened the file.
			old(t, path)
			want := "a b c d "[:2*(i+1)] + "kept"
			for j, reads := range []*Store{first, second} {
				if got := conversations(t, reads); got != want {
					t.Fatalf("after %s, host %d sees %s; want %s", name, j+1, got, want)
				}
			}
		}
	}
}

// TestFile_stillCopied checks that a Store does not open a replacement that is still being copied.
func TestFile_stillCopied(t *testing.T) {
	s, path, copied := backedUp(t, t.TempDir())
	moveAll(t, path)
	content, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{nil, content[:len(content)/2], content} {
		if err := os.WriteFile(path, part, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := succeed(t.Context(), s, "new"); !fault.Is(err, fault.ProviderFailed) || !strings.Contains(err.Error(), "a moment ago") {
			t.Errorf("with %d of %d bytes: %v", len(part), len(content), err)
		}
	}
	old(t, path)
	succeedSoon(t, s, "new")
	if got := conversations(t, s); got != "kept new" {
		t.Errorf("after: %s", got)
	}
}

// TestFile_movedDuringWrite checks that a write fails if the database is replaced before the
// commit.
func TestFile_movedDuringWrite(t *testing.T) {
	s, path, copied := backedUp(t, t.TempDir())
	err := s.write(t.Context(), func(*session) error {
		if _, err := os.Stat(copied); err == nil {
			move(t, copied, path)
		}
		return nil
	})
	if !fault.Is(err, fault.ProviderFailed) || !fault.Of(err).Retryable {
		t.Errorf("%v", err)
	}
	if got := conversations(t, s); got != "kept" {
		t.Errorf("after: %s", got)
	}
}

// TestOpen_makesNoEmptyDatabase checks that opening a Store, a backup, a migration and the janitor
// do not create a database file. Otherwise an empty file could take the place of a database that an
// operator has moved away for a while.
func TestOpen_makesNoEmptyDatabase(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if _, err := s.Backup(t.Context(), t.TempDir()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a backup of nothing: %v", err)
	}
	if _, err := s.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a migration of nothing: %v", err)
	}
	if err := s.janitor.finishDeletions(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := succeed(t.Context(), s, "first"); err != nil {
		t.Error(err)
	}
}

// TestFile_missingForOtherStores checks that a Store that is opened while the database is missing
// does not create the database.
func TestFile_missingForOtherStores(t *testing.T) {
	for what, forget := range map[string]bool{"in the process that had it open": false, "in another process": true} {
		t.Run(what, func(t *testing.T) {
			s, path, _ := backedUp(t, t.TempDir())
			move(t, path, path+".old") // the write-ahead log stays at the path
			if forget {
				wereOpen.Delete(path)
			} else {
				moveAll(t, path, "-wal", "-shm")
			}
			other := openStore(t, filepath.Dir(path))
			for _, s := range []*Store{s, other} {
				if err := succeed(t.Context(), s, "new"); !fault.Is(err, fault.ProviderFailed) || !strings.Contains(err.Error(), "is gone") {
					t.Errorf("a turn: %v", err)
				}
			}
			if !isMissing(path) {
				t.Error("an empty database was made in its place")
			}
		})
	}
}

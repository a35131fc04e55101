package sqlitestore

import (
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStore_readOnlyDisk checks the fault of a write to a read-only disk, and that the Store works
// again when the disk is writable again.
func TestStore_readOnlyDisk(t *testing.T) {
	dir := smallDisk(t, "size=8m")
	s := openStore(t, dir)
	end(t, s, begin(t, s))
	// The disk cannot become read-only while a file on it is open for writing. So the test first
	// closes all sessions.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		drop := func(w *session) error { return driver.ErrBadConn }
		if err := s.writer.outside(t.Context(), drop); !errors.Is(err, driver.ErrBadConn) {
			t.Fatal(err)
		}
		for range readerCount {
			if r := <-s.readers.free; r != nil {
				if err := r.close(); err != nil {
					t.Fatal(err)
				}
			}
			s.readers.free <- nil
		}
		// A pin of a removed file also prevents the remount.
		if err := s.file.close(); err != nil {
			t.Fatal(err)
		}
		err := makeReadOnly(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: hi})
	e := fault.Of(err)
	if e == nil || e.Class != fault.ProviderFailed || e.Party != fault.PartyHost || !e.Retryable {
		t.Errorf("begin on a disk that cannot be written: %+v", e)
	}
	if err := makeWritable(dir); err != nil {
		t.Fatal(err)
	}
	if n := end(t, s, begin(t, s)); n != 2 {
		t.Errorf("the next turn became number %d", n)
	}
}

// TestStore_lockedDatabase checks the faults of writes, and that reads succeed, while another
// process locks the database.
func TestStore_lockedDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("waits as long as the plugin does")
	}
	dir := t.TempDir()
	s := openStore(t, dir)
	end(t, s, begin(t, s))
	cmd, out := child(t, "hold", dir)
	if !out.Scan() {
		t.Fatal("the child did not lock the database")
	}
	failed := make(chan error, 8)
	start := time.Now()
	for range cap(failed) {
		go func() {
			_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: hi})
			failed <- err
		}()
	}
	for range cap(failed) {
		e := fault.Of(<-failed)
		if e == nil || e.Class != fault.ProviderFailed || e.Party != fault.PartyHost || e.RetryAfter == 0 || !strings.Contains(e.Message, "locked") {
			t.Errorf("begin in a locked database: %+v", e)
		}
	}
	// If the eight writers waited one after another, they would take eight times lockTimeout.
	if took := time.Since(start); took < lockTimeout || took > 7*lockTimeout {
		t.Errorf("writers that wait together gave up after %v; want about %v", took, lockTimeout)
	}
	if _, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 1}); err != nil {
		t.Errorf("reading from a locked database: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if n := end(t, s, begin(t, s)); n != 2 {
		t.Errorf("the next turn became number %d", n)
	}
}

// TestStore_damagedDatabase checks that calls on a damaged file return fault.Internal, which is not
// retryable, with the host as party.
func TestStore_damagedDatabase(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Path: "botyard.db"}, env(dir))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		end(t, s, begin(t, s))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "botyard.db")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(content); i++ { // overwrite all pages except the first
		content[i] = 0x5a
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = Open(Config{Path: "botyard.db"}, env(dir))
	if err == nil {
		defer s.Close()
		_, err = s.Begin(t.Context(), &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: hi})
	}
	e := fault.Of(err)
	if e == nil || e.Class != fault.Internal || e.Party != fault.PartyHost || e.Retryable || !strings.Contains(e.Message, "damaged") {
		t.Errorf("begin in a damaged database: %+v", e)
	}
}

// TestStore_truncatedDatabase checks that a call has the host as party of its fault after the file
// was truncated while a Store had it open.
func TestStore_truncatedDatabase(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	for range 50 {
		end(t, s, begin(t, s))
	}
	err := s.writer.outside(t.Context(), func(w *session) error {
		_, err := w.get([]any{new(int), new(int), new(int)}, "PRAGMA wal_checkpoint(TRUNCATE)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "botyard.db"), 4096); err != nil {
		t.Fatal(err)
	}
	// List uses a session for reading, which has not cached any pages.
	_, err = s.List(t.Context(), &storage.ListRequest{Call: call, Limit: 1})
	if e := fault.Of(err); e == nil || e.Party != fault.PartyHost {
		t.Errorf("list in a file that was cut: %+v", e)
	}
}

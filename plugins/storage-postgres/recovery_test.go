package pgstore

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStore_serverRestarts checks that calls succeed again after each kind of restart of the
// server. Some calls use a direct connection and others a pooler.
func TestStore_serverRestarts(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{Own: true})
	b, err := pgtest.PgBouncer(t.Context(), c)
	pgtest.Check(t, err)
	direct, pooled := open(t, wide(c.DSN(""))), open(t, wide(b.DSN("")))
	l := startLoad(t, func(i int) *Store {
		if i%5 == 0 {
			return pooled
		}
		return direct
	})
	l.more(time.Minute)
	for _, mode := range []pgtest.Mode{pgtest.Fast, pgtest.Immediate, pgtest.Kill} {
		if err := c.Stop(mode); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond) // so that some calls fail because the server is down
		if err := c.StartAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.more(meanwhile)
	}
	for range 3 {
		if err := c.KillConnections(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.more(meanwhile)
	}
	l.check()
}

// TestStore_standbyPromoted checks that calls succeed again when the server of a configuration with
// two hosts dies and its standby is promoted. No committed turn may be lost.
func TestStore_standbyPromoted(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{Own: true})
	standby, err := c.Standby(t.Context())
	pgtest.Check(t, err)
	// With synchronous replication a promoted standby has every committed transaction.
	sync := "alter system set synchronous_standby_names = '*'"
	for _, sql := range []string{sync, "select pg_reload_conf()"} {
		if _, err := c.Exec(t.Context(), "", sql); err != nil {
			t.Fatal(err)
		}
	}
	first, port := c.Socket()
	second, _ := standby.Socket()
	cfg := wide("user=postgres")
	cfg.Connection.Port = port
	cfg.Connection.Host = Hosts{second, first} // the Store must skip the standby, which refuses writes
	s := open(t, cfg)
	l := startLoad(t, func(int) *Store { return s })
	l.more(time.Minute)
	if err := c.Stop(pgtest.Kill); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.more(meanwhile)
	l.check()
}

// TestStore_readOnlyServer checks that a Store drops its connections to a server that becomes
// read-only, and then uses the other server.
func TestStore_readOnlyServer(t *testing.T) {
	a, name := restless(t)
	b := own(t)
	if err := b.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { restore(t, b) })
	first, firstPort := a.Socket()
	second, secondPort := b.Socket()
	s := open(t, wide(fmt.Sprintf("user=postgres dbname=%s host=%s,%s port=%d,%d", name, first, second, firstPort, secondPort)))
	commit(t, s, call("t", "c"), begin(t, s, call("t", "c")))
	readOnly := func(c *pgtest.Cluster, on string) {
		for _, sql := range []string{"alter system set default_transaction_read_only = " + on, "select pg_reload_conf()"} {
			if _, err := c.Exec(t.Context(), "", sql); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond) // the processes of the server need some time to read the setting
	}
	req := &storage.BeginRequest{Call: call("t", "d"), Messages: said("hi"), Holder: "h", Lease: time.Minute, Attempt: "once"}
	readOnly(a, "on")
	_, err := s.Begin(t.Context(), req)
	if e := fault.Of(err); err == nil || e.Class != fault.ProviderFailed || !e.Retryable {
		t.Errorf("a begin on what takes no writes: %v", err)
	}
	soon(t, "begin on the other", func() error {
		_, err := s.Begin(t.Context(), req)
		return err
	})
	if n, err := b.Exec(t.Context(), name, "select count(*) from botyard.turns"); err != nil || n != "1" {
		t.Errorf("the other has %s turns, %v", n, err)
	}
	readOnly(b, "on") // after this, both servers refuse writes
	if _, err := s.Begin(t.Context(), req); !fault.Is(err, fault.ProviderFailed) {
		t.Errorf("a begin where nothing takes writes: %v", err)
	}
	readOnly(a, "off")
	soon(t, "begin on the first again", func() error {
		_, err := s.Begin(t.Context(), req)
		return err
	})
}

// TestPool_exhausted checks that all turns of a load succeed with two connections. It also checks
// that a call that waits for a connection in vain returns a retryable fault and changes nothing.
func TestPool_exhausted(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	cfg := wide(dsn)
	cfg.PoolSize, cfg.MaxOverflow = 1, 1
	s := open(t, cfg)
	l := startLoad(t, func(int) *Store { return s })
	l.more(time.Minute)
	l.check()
	// The test blocks both connections with calls that wait for the row of this conversation.
	for range 2 {
		begin(t, s, call("t", "held"), func(r *storage.BeginRequest) { r.Lease = 1 })
	}
	cfg.StatementTimeout = 60
	patient := open(t, cfg)
	begin(t, patient, call("t", "other"))
	other := connect(t, dsn)
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select 1 from botyard.conversations where id = 'held' for update"); err != nil {
		t.Fatal(err)
	}
	held := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := patient.Begin(t.Context(), &storage.BeginRequest{Call: call("t", "held"), Messages: said("hi"), Holder: "h", Lease: time.Minute, Key: "k"})
			held <- err
		}()
	}
	soon(t, "both connections are busy", func() error {
		if n := patient.pool.Stat().AcquiredConns(); n < 2 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	_, err = patient.Begin(t.Context(), &storage.BeginRequest{Call: call("t", "new"), Messages: said("hi"), Holder: "h", Lease: time.Minute})
	if e := fault.Of(err); err == nil || e.Class != fault.ProviderFailed || !e.Retryable || e.RetryAfter <= 0 {
		t.Errorf("with no connection left: %v, after %s", err, e.RetryAfter)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-held; err != nil {
			t.Errorf("who held a connection: %v", err)
		}
	}
	if res := begin(t, patient, call("t", "new")); res.Started == nil || res.Started.Sequence != 1 {
		t.Errorf("the refused begin left something: %+v", res.Started)
	}
}

func TestStore_statementTimeout(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	cfg := config(dsn)
	cfg.StatementTimeout = 0.2
	s := open(t, cfg)
	running := begin(t, s, call("t", "c"))
	other := connect(t, dsn)
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select 1 from botyard.conversations for update"); err != nil {
		t.Fatal(err)
	}
	req := &storage.CommitRequest{Call: call("t", "c"), Fence: running.Started.Fence, State: storage.Succeeded,
		Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello"))}
	_, err = s.Commit(t.Context(), req)
	if e := fault.Of(err); err == nil || e.Class != fault.Deadline || !e.Retryable {
		t.Errorf("a commit that waits for too long: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Commit(t.Context(), req); err != nil || n != 1 {
		t.Errorf("the commit after that: number %d, %v", n, err)
	}
}

// TestStore_diskFull fills the file system of the server until writes fail. It checks that calls
// succeed again after the file system has room and the server was started again.
func TestStore_diskFull(t *testing.T) {
	dir := pgtest.Folder(t)
	if os.Geteuid() != 0 {
		t.Skip("a small file system takes root to mount")
	}
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=128m,mode=0755", "tmpfs", dir).Run(); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", dir).Run(); err != nil {
			t.Error(err)
		}
	})
	c := pgtest.For(t, pgtest.Options{Dir: dir, Small: true})
	s := open(t, wide(c.DSN("")))
	l := startLoad(t, func(int) *Store { return s })
	l.more(time.Minute)
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	req := &storage.BeginRequest{Call: call("t", "big"), Messages: said(fmt.Sprintf("%0900000d", 1)), Holder: "h", Lease: time.Minute}
	full := false
	// Large messages use up the space that the server has allocated in advance.
	for range 100 {
		_, err := s.Begin(t.Context(), req)
		if e := fault.Of(err); err != nil {
			if e.Class != fault.ProviderFailed && e.Class != fault.Deadline || !e.Retryable {
				t.Errorf("a begin on a full disk: %v", err)
			}
			full = true
			break
		}
		req.Call.Conversation += "x"
	}
	if !full {
		t.Fatal("the disk was never full")
	}
	time.Sleep(500 * time.Millisecond) // the load continues on the full disk
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	// A server that cannot write its write-ahead log stops. An operator then starts it again.
	if err := c.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.more(meanwhile)
	l.check()
}

// fill writes to the named file until the file system is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); ; {
		_, err := f.Write(block)
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

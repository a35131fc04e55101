package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// longTests is the name of the environment variable that enables tests of a minute or longer.
const longTests = "BOTYARD_LONG_TESTS"

const (
	down = 3 * time.Second // how long a database is down
	// longDown is long enough for the host to open its circuit and stop calling the database.
	longDown = 8 * time.Second
	// tooLong is longer than the host repeats a call that got no response.
	tooLong = 25 * time.Second
)

func TestOutage_postgres(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{TCP: true})
	f := startFleet(t, c, 3, "BOTYARD__DEFAULTS__CONVERSATION_STORAGE__STATEMENT_TIMEOUT=1")
	for _, fault := range []struct {
		name string
		do   func(*testing.T, *load)
	}{
		{"stopped hard", func(t *testing.T, _ *load) { f.restartPostgres(t, pgtest.Kill, down) }},
		{"stopped in order", func(t *testing.T, _ *load) { f.restartPostgres(t, pgtest.Fast, down) }},
		{"connections killed", func(t *testing.T, _ *load) {
			for range 10 {
				pgtest.Check(t, c.KillConnections(t.Context()))
				time.Sleep(300 * time.Millisecond)
			}
		}},
		{"statement beyond its timeout", func(t *testing.T, l *load) {
			before := time.Now()
			f.holdRow(t, l.tenant(0), l.conversation(0), 4*time.Second, func() {
				l.othersFlow(3*time.Second, before, 0)
			})
			if !f.logged("SQLSTATE 57014") {
				t.Error("no statement ran into its timeout")
			}
		}},
		{"storage plugins killed", func(t *testing.T, _ *load) { killPlugins(t, f.hosts, "storage-postgres") }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			f.survives(t, tagOf(fault.name), 0, func(t *testing.T, l *load) []*hostProcess {
				fault.do(t, l)
				return f.hosts
			})
		})
	}
	t.Run("stopped for long", func(t *testing.T) {
		if os.Getenv(longTests) == "" {
			t.Skipf("takes a minute; set %s", longTests)
		}
		f.survives(t, "long", 0, func(t *testing.T, _ *load) []*hostProcess {
			f.restartPostgres(t, pgtest.Kill, tooLong)
			return f.hosts
		})
	})
	t.Run("behind a pooler", func(t *testing.T) {
		db := newDatabase(t, c)
		b, err := pgtest.PgBouncer(t.Context(), c)
		pgtest.Check(t, err)
		f := startFleetAt(t, c, db, b.DSN(db), 3)
		f.survives(t, "pooled", 0, func(t *testing.T, _ *load) []*hostProcess {
			f.restartPostgres(t, pgtest.Kill, down)
			return f.hosts
		})
	})
	t.Run("pool exhausted", func(t *testing.T) { exhausted(t, c) })
	t.Run("stopped while no turn is at work", func(t *testing.T) { idleOutage(t, c) })
	t.Run("away at the start", func(t *testing.T) { databaseComesLate(t, c) })
}

// exhausted checks hosts with a single connection each, which a lock keeps busy for longer than turns wait
// for a connection.
func exhausted(t *testing.T, c *pgtest.Cluster) {
	const at = "BOTYARD__DEFAULTS__CONVERSATION_STORAGE__"
	f := startFleet(t, c, 3, at+"POOL_SIZE=1", at+"MAX_OVERFLOW=0")
	f.survives(t, "exhausted", 0, func(t *testing.T, l *load) []*hostProcess {
		// A turn that comes before the connection is free fails. The time of the lock depends on the load,
		// so the clients come over several seconds.
		var told atomic.Bool
		var askers sync.WaitGroup
		askers.Go(func() {
			for i := range 16 {
				askers.Go(func() {
					a := f.hosts[i%len(f.hosts)].chat(l.tenant(0), fmt.Sprint("asker", i), "hello?")
					// The response hides the storage's error about connections, which is only in the
					// host's log.
					if a.Class == "provider_failed" && strings.Contains(a.Detail, "the bot's storage failed") && a.Retryable {
						told.Store(true)
					}
				})
				time.Sleep(250 * time.Millisecond)
			}
		})
		f.sql(`begin; lock table botyard.conversations in exclusive mode; select pg_sleep(7)`)
		askers.Wait()
		if !told.Load() {
			t.Error("nobody was told that the connections are busy")
		}
		return f.hosts
	})
}

// idleOutage stops the database of a host without running turns, so that all calls to the database are
// Begins. The host must not pause its calls for so long that its recovery takes too long. The tenants come
// from files, because a registry would refuse requests first.
func idleOutage(t *testing.T, c *pgtest.Cluster) {
	db := newDatabase(t, c)
	host := newHost(t, exampleTree(t, "tenant_dirs = [\"tenants\"]\n"), []string{"BOTYARD_PG_DSN=" + c.DSN(db)})
	tenants := filepath.Join(filepath.Dir(host.config), "tenants")
	if err := os.Mkdir(tenants, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(tenants, name+".hcl"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	host.runUntilTheEnd()
	f := &fleet{t: t, cluster: c, db: db, hosts: []*hostProcess{host}}
	host.mustChat("a", "c", "hello")
	pgtest.Check(t, c.Stop(pgtest.Fast))
	var ask sync.WaitGroup
	for i := range 10 {
		tenant := []string{"a", "b"}[i%2]
		ask.Go(func() { host.chat(tenant, fmt.Sprint("c", i), "anybody there?") })
	}
	host.eventually(20*time.Second, "the host leaves its database alone", func() bool {
		return host.plugins()["storage-postgres"].OpenCircuits > 0
	})
	time.Sleep(longDown)
	pgtest.Check(t, c.StartAgain(t.Context()))
	back := f.databaseBack()
	p := startProbe(f.hosts, "a")
	t.Cleanup(p.stop)
	p.soon(t, back, f.hosts)
	ask.Wait()
}

// databaseComesLate starts a host while its database is down, and then starts the database.
func databaseComesLate(t *testing.T, c *pgtest.Cluster) {
	db := newDatabase(t, c)
	pgtest.Check(t, c.Stop(pgtest.Fast))
	host := newHost(t, exampleTree(t, ""), []string{"BOTYARD_PG_DSN=" + c.DSN(db)})
	host.runUntilTheEnd()
	if a := host.chat("a", "c", "hello?"); a.Status != 503 || !a.Retryable {
		t.Errorf("a tenant that nobody knows of: %d %s", a.Status, a.Body)
	}
	pgtest.Check(t, c.StartAgain(t.Context()))
	f := &fleet{t: t, cluster: c, db: db, hosts: []*hostProcess{host}}
	back := f.databaseBack()
	host.eventually(recovery, "a tenant can be registered", func() bool {
		return host.do("PUT", "/admin/v1/tenants/a", `{}`).Status == 201
	})
	host.mustChat("a", "c", "hello")
	if took := time.Since(back); took > recovery {
		t.Errorf("the first turn was %s after the database came", took)
	}
}

// restartPostgres stops the server, waits for the duration away, and starts the server again.
func (f *fleet) restartPostgres(t *testing.T, mode pgtest.Mode, away time.Duration) {
	t.Helper()
	pgtest.Check(t, f.cluster.Stop(mode))
	time.Sleep(away)
	pgtest.Check(t, f.cluster.StartAgain(t.Context()))
}

// holdRow locks the row of a conversation for the duration long, and calls meanwhile at the same time.
func (f *fleet) holdRow(t *testing.T, tenant, conversation string, long time.Duration, meanwhile func()) {
	t.Helper()
	held := make(chan error, 1)
	go func() {
		_, err := f.cluster.Exec(t.Context(), f.db, fmt.Sprintf(
			`select from botyard.conversations where tenant = '%s' and id = '%s' for update; select pg_sleep(%f)`,
			tenant, conversation, long.Seconds()))
		held <- err
	}()
	meanwhile()
	if err := <-held; err != nil {
		t.Fatal(err)
	}
}

// killPlugins kills the process of the named plugin on each host.
func killPlugins(t *testing.T, hosts []*hostProcess, name string) {
	t.Helper()
	for _, host := range hosts {
		if err := syscall.Kill(host.plugins()[name].PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}

// tagOf returns a test's name with hyphens for blanks, for use in ids.
func tagOf(name string) string {
	out := []byte(name)
	for i, b := range out {
		if b == ' ' {
			out[i] = '-'
		}
	}
	return string(out)
}

package pgstore

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	"go.uber.org/goleak"
)

// common is a PostgreSQL cluster that several tests share. The first test that needs the cluster
// starts it.
type common struct {
	opts    pgtest.Options
	once    sync.Once
	cluster *pgtest.Cluster
	err     error
}

var (
	// databases is the cluster for tests that only need their own database. It may be an existing
	// server.
	databases common
	// unrest is the cluster for tests that stop the server or change its settings. It does not sync
	// its files, so that a killed server may lose committed transactions.
	unrest = common{opts: pgtest.Options{NoSync: true, TCP: true, Own: true}}
	// guarded is the cluster for tests with a password. The password is "right".
	guarded = common{opts: pgtest.Options{NoSync: true, TCP: true, Password: "right"}}
)

func TestMain(m *testing.M) {
	// The tests open many Stores in one process, as many hosts would. So they need more connections
	// than a plugin process may have by default.
	if err := os.Setenv(ConnectionsVariable, "1000"); err != nil {
		panic(err)
	}
	databases.opts = pgtest.Options{NoSync: true, TCP: os.Getenv(pgtest.ForeignEnv) == ""}
	code := m.Run()
	for _, c := range []*common{&databases, &unrest, &guarded} {
		if c.cluster == nil {
			continue
		}
		if err := c.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func (c *common) start(t testing.TB) *pgtest.Cluster {
	t.Helper()
	c.once.Do(func() { c.cluster, c.err = pgtest.Start(context.Background(), c.opts) })
	pgtest.Check(t, c.err)
	return c.cluster
}

// cluster returns the shared cluster databases.
func cluster(t testing.TB) *pgtest.Cluster {
	t.Helper()
	return databases.start(t)
}

// own returns the shared cluster databases. It skips the test if the cluster is an existing server
// that the tests did not start.
func own(t testing.TB) *pgtest.Cluster {
	t.Helper()
	c := cluster(t)
	if dir, _ := c.Socket(); dir == "" {
		t.Skip(pgtest.ErrForeign)
	}
	return c
}

// restless returns the shared cluster unrest and a new database in it. The cleanup of the test
// starts the server again and resets its settings.
func restless(t testing.TB) (c *pgtest.Cluster, name string) {
	t.Helper()
	c = unrest.start(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.StartAgain(ctx); err != nil {
			t.Error(err)
		}
		restore(t, c)
	})
	name = unique()
	if err := c.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return c, name
}

// restore resets the settings that a test has changed with "alter system".
func restore(t testing.TB, c *pgtest.Cluster) {
	for _, sql := range []string{"alter system reset all", "select pg_reload_conf()"} {
		if _, err := c.Exec(context.Background(), "", sql); err != nil {
			t.Error(err)
		}
	}
}

func unique() string { return fmt.Sprintf("t%d", time.Now().UnixNano()) }

// database creates a database in the shared cluster databases, and returns the name of the
// database.
func database(t testing.TB) string {
	t.Helper()
	name := unique()
	pgtest.Check(t, cluster(t).CreateDatabase(t.Context(), name))
	return name
}

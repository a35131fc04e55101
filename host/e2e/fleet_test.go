package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/botyard/botyard/pgtest"
)

// fleet is several hosts on one Postgres, with a balancer in front of them. The hosts use the host file of
// the repository's example unchanged. Some tests use a fleet of a single host, without Postgres and
// balancer.
type fleet struct {
	t       *testing.T
	cluster *pgtest.Cluster // current server of the database; nil without a database
	db      string
	hosts   []*hostProcess
	front   *hostProcess // URL of the balancer, as a host
}

var databases atomic.Int64

// newDatabase creates a database for one test.
func newDatabase(t *testing.T, c *pgtest.Cluster) string {
	t.Helper()
	db := fmt.Sprintf("e2e_%d_%d", os.Getpid(), databases.Add(1))
	pgtest.Check(t, c.CreateDatabase(t.Context(), db))
	return db
}

// startFleet starts n hosts at once on a new database. The hosts get the environment variables env, which
// can set keys of the host file, such as BOTYARD__A__B for a.b.
func startFleet(t *testing.T, c *pgtest.Cluster, n int, env ...string) *fleet {
	t.Helper()
	db := newDatabase(t, c)
	return startFleetAt(t, c, db, c.DSN(db), n, env...)
}

// startFleetAt starts n hosts at once on the existing database db, which they reach by the DSN. The hosts
// get the environment variables env.
func startFleetAt(t *testing.T, c *pgtest.Cluster, db, dsn string, n int, env ...string) *fleet {
	t.Helper()
	return startFleetOf(t, c, db, exampleTree(t, ""), n, append([]string{"BOTYARD_PG_DSN=" + dsn}, env...))
}

// startFleetOf starts n hosts at once with the host file, which uses the existing database db. env has
// the hosts' environment variables.
func startFleetOf(t *testing.T, c *pgtest.Cluster, db, config string, n int, env []string) *fleet {
	t.Helper()
	f := &fleet{t: t, cluster: c, db: db}
	for range n {
		f.hosts = append(f.hosts, newHost(t, config, env))
	}
	for _, host := range f.hosts {
		host.launch()
		host.endWithTheTest()
	}
	for _, host := range f.hosts {
		host.awaitReady()
	}
	f.front = &hostProcess{t: t, url: balance(t, f.hosts), log: &lockedBuffer{}, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	t.Cleanup(f.front.http.CloseIdleConnections)
	return f
}

func newHost(t *testing.T, config string, env []string) *hostProcess {
	t.Helper()
	return &hostProcess{t: t, dir: shortDir(t), config: config, env: env,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
}

// exampleTree creates a folder with the repository's example for several hosts. It returns the path of the
// example's host file, to which it appends the text more. Hosts that start from this file share its
// data_dir.
func exampleTree(t *testing.T, more string) string {
	t.Helper()
	text, err := os.ReadFile("../../configs/examples/postgres.hcl")
	if err != nil {
		t.Fatal(err)
	}
	root := shortDir(t)
	for _, dir := range []string{"bin", "configs/examples"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(binaries, "plugins"), filepath.Join(root, "bin/plugins")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "configs/examples/postgres.hcl")
	if err := os.WriteFile(path, append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// belongsTo makes the helpers of the fleet report failures to the subtest t, until t ends.
func (f *fleet) belongsTo(t *testing.T) {
	of := f.t
	set := func(t *testing.T) {
		f.t, f.front.t = t, t
		for _, host := range f.hosts {
			host.t = t
		}
	}
	set(t)
	t.Cleanup(func() { set(of) })
}

// sql runs SQL in the fleet's database as the superuser and returns the output.
func (f *fleet) sql(format string, args ...any) string {
	f.t.Helper()
	out, err := f.cluster.Exec(f.t.Context(), f.db, fmt.Sprintf(format, args...))
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// logged reports whether the log of a host contains the words.
func (f *fleet) logged(words string) bool {
	for _, host := range f.hosts {
		if strings.Contains(host.log.String(), words) {
			return true
		}
	}
	return false
}

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

// fleet is several hosts on one Postgres, started from the example's file as it is,
// and a balancer before them. It can also be a single host, without either.
type fleet struct {
	t       *testing.T
	cluster *pgtest.Cluster // where its database is now; nil for none
	db      string
	hosts   []*hostProcess
	front   *hostProcess // the balancer
}

var databases atomic.Int64

// newDatabase makes a database of the test's own.
func newDatabase(t *testing.T, c *pgtest.Cluster) string {
	t.Helper()
	db := fmt.Sprintf("e2e_%d_%d", os.Getpid(), databases.Add(1))
	pgtest.Check(t, c.CreateDatabase(t.Context(), db))
	return db
}

// startFleet starts n hosts at the same moment on a fresh database. Env is theirs, for
// keys of the host file as BOTYARD__A__B.
func startFleet(t *testing.T, c *pgtest.Cluster, n int, env ...string) *fleet {
	t.Helper()
	db := newDatabase(t, c)
	return startFleetAt(t, c, db, c.DSN(db), n, env...)
}

// startFleetAt is startFleet for a database that is there, reached by the DSN.
func startFleetAt(t *testing.T, c *pgtest.Cluster, db, dsn string, n int, env ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, cluster: c, db: db}
	config := exampleTree(t, "")
	for range n {
		f.hosts = append(f.hosts, newHost(t, config, append([]string{"BOTYARD_PG_DSN=" + dsn}, env...)))
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

// exampleTree makes a tree like the repository's with the example for several hosts
// in it, and answers the path of its host file, which has more at its end. All who
// start from it share its data folder.
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

// belongsTo makes the fleet's helpers report failures to the subtest t, until it ends.
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

// sql runs SQL in the fleet's database, as the superuser.
func (f *fleet) sql(format string, args ...any) string {
	f.t.Helper()
	out, err := f.cluster.Exec(f.t.Context(), f.db, fmt.Sprintf(format, args...))
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// logged says whether a host's log has the words in it.
func (f *fleet) logged(words string) bool {
	for _, host := range f.hosts {
		if strings.Contains(host.log.String(), words) {
			return true
		}
	}
	return false
}

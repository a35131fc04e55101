package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// TestFleet_postgresStandbyIsPromoted checks that hosts move to a standby when it is promoted. The primary
// dies in one case, and refuses writes in the other. The DSN has the addresses of both servers.
// Replication is synchronous, so that the standby has every acknowledged turn.
func TestFleet_postgresStandbyIsPromoted(t *testing.T) {
	t.Parallel()
	for _, before := range []struct {
		name, says string
		do         func(t *testing.T, c *pgtest.Cluster)
	}{
		{"server dies", "", func(t *testing.T, c *pgtest.Cluster) { pgtest.Check(t, c.Stop(pgtest.Kill)) }},
		{"server turns read-only", "SQLSTATE 25006", func(t *testing.T, c *pgtest.Cluster) {
			set(t, c, "default_transaction_read_only", "on")
			time.Sleep(500 * time.Millisecond) // time for turns to fail
		}},
	} {
		t.Run(before.name, func(t *testing.T) {
			c := pgtest.For(t, pgtest.Options{NoSync: true, Settings: map[string]string{"synchronous_commit": "on"}})
			db := newDatabase(t, c)
			standby, err := c.Standby(t.Context())
			pgtest.Check(t, err)
			set(t, c, "synchronous_standby_names", "*")

			here, port := c.Socket()
			there, standbyPort := standby.Socket()
			dsn := fmt.Sprintf("host=%s,%s port=%d,%d user=%s dbname=%s", here, there, port, standbyPort, pgtest.Superuser, db)
			f := startFleetAt(t, c, db, dsn, 3)
			f.survives(t, tagOf(before.name), 0, func(t *testing.T, l *load) []*hostProcess {
				before.do(t, c)
				if before.says != "" && !f.logged(before.says) {
					t.Errorf("nobody ran into %s", before.says)
				}
				pgtest.Check(t, standby.Promote(t.Context()))
				f.cluster = standby
				return f.hosts
			})
		})
	}
}

// set changes a setting of a running Postgres server.
func set(t *testing.T, c *pgtest.Cluster, name, value string) {
	t.Helper()
	for _, sql := range []string{fmt.Sprintf("alter system set %s = '%s'", name, value), "select pg_reload_conf()"} {
		if _, err := c.Exec(t.Context(), "", sql); err != nil {
			t.Fatal(err)
		}
	}
}

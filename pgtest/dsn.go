package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// DSN returns the DSN of a database of the cluster, for the superuser over the unix socket. An empty name
// stands for the database that Start created.
func (c *Cluster) DSN(database string) string {
	if database == "" {
		database = c.database
	}
	if c.foreign != "" {
		return withDatabase(c.foreign, database)
	}
	return dsn(c.home, c.port, c.opts.Password, database)
}

func dsn(host string, port int, password, database string) string {
	s := fmt.Sprintf("host=%s port=%d user=%s dbname=%s", host, port, Superuser, database)
	if password != "" {
		s += fmt.Sprintf(" password='%s'", strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password))
	}
	return s
}

// withDatabase replaces the database in a DSN, which is a URL or a list of parameters. In a list it
// appends the parameter dbname, because the last parameter of a name counts.
func withDatabase(dsn, database string) string {
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + database
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn // an attempt to connect with this DSN reports the error
	}
	u.Path = "/" + database
	return u.String()
}

// Socket returns the folder of the server's unix socket and the port number in the socket's name. For an
// existing server it returns "" and 0.
func (c *Cluster) Socket() (dir string, port int) {
	if c.foreign != "" {
		return "", 0
	}
	return c.home, c.port
}

// Port returns the server's TCP port on 127.0.0.1. Without Options.TCP it returns 0.
func (c *Cluster) Port() int {
	if !c.opts.TCP {
		return 0
	}
	return c.port
}

// Exec runs SQL in a database as the superuser. It returns psql's output, unaligned and without headings.
// It can also write to a server whose transactions are read-only by default.
func (c *Cluster) Exec(ctx context.Context, database, sql string) (string, error) {
	psql := filepath.Join(c.bin, "psql")
	if c.foreign != "" {
		var err error
		if psql, err = psqlOnly(); err != nil {
			return "", err
		}
	}
	env := []string{"PGOPTIONS=-c default_transaction_read_only=off", "PGCONNECT_TIMEOUT=10"}
	out, err := run(ctx, c.as, env, psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", c.DSN(database), "-c", sql)
	return strings.TrimSuffix(out, "\n"), err
}

// CreateDatabase creates an empty database. The name must be an SQL identifier that needs no quotes.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	if _, err := c.Exec(ctx, "", fmt.Sprintf("create database %s template template0", name)); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.foreign != "" {
		c.drop = append(c.drop, name)
	}
	return nil
}

// KillConnections terminates all client connections of the server, also connections of poolers.
func (c *Cluster) KillConnections(ctx context.Context) error {
	if c.foreign != "" {
		return ErrForeign
	}
	_, err := c.Exec(ctx, "", "select count(pg_terminate_backend(pid)) from pg_stat_activity"+
		" where backend_type = 'client backend' and pid <> pg_backend_pid()")
	return err
}

package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Bouncer is a running PgBouncer, in transaction mode, in front of a cluster.
type Bouncer struct {
	of   *Cluster
	home string
	p    *process
}

const bouncerPort = 6432

// PgBouncer starts a PgBouncer in front of the cluster. The PgBouncer serves all databases. It knows the
// roles that can log in when it starts. Cluster.Close closes the Bouncer if the caller has not closed it.
func PgBouncer(ctx context.Context, c *Cluster) (*Bouncer, error) {
	if c.foreign != "" {
		return nil, ErrForeign
	}
	binary, err := bouncerBinary()
	if err != nil {
		return nil, err
	}
	dir, err := home()
	if err != nil {
		return nil, err
	}
	b := &Bouncer{of: c, home: dir}
	if err := b.start(ctx, binary); err != nil {
		if closeErr := b.Close(); closeErr != nil {
			err = fmt.Errorf("%w; and closing it: %w", err, closeErr)
		}
		return nil, err
	}
	c.closeLater(b.Close)
	return b, nil
}

func (b *Bouncer) start(ctx context.Context, binary string) error {
	users, err := b.users(ctx)
	if err != nil {
		return err
	}
	auth := "trust"
	if b.of.opts.Password != "" {
		auth = "scram-sha-256"
	}
	usersFile, iniFile := filepath.Join(b.home, "users"), filepath.Join(b.home, "ini")
	// server_login_retry makes PgBouncer connect to a restarted server after 1 second instead of 15.
	ini := fmt.Sprintf(`[databases]
* = host=%s port=%d
[pgbouncer]
pool_mode = transaction
unix_socket_dir = %s
listen_port = %d
auth_type = %s
auth_file = %s
default_pool_size = 20
max_client_conn = 1000
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
`, b.of.home, b.of.port, b.home, bouncerPort, auth, usersFile)
	for name, text := range map[string]string{usersFile: users, iniFile: ini} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := b.of.as.give(b.home); err != nil {
		return err
	}
	cmd := exec.Command(binary, iniFile)
	cmd.Env, cmd.Dir = userEnv(), "/"
	logFile := filepath.Join(b.home, "log")
	if b.p, err = launch(cmd, b.of.as, logFile); err != nil {
		return err
	}
	return eventually(ctx, "pgbouncer to listen", func() (bool, error) {
		if b.p.ended() {
			log, _ := os.ReadFile(logFile) // the log is empty if pgbouncer did not start
			return false, fmt.Errorf("pgbouncer ended: %v: %s", b.p.err, log)
		}
		conn, err := net.Dial("unix", fmt.Sprintf("%s/.s.PGSQL.%d", b.home, bouncerPort))
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
}

// users returns the text of PgBouncer's auth_file. For each role the file has the password verifier
// of the server. For the superuser it has the password.
func (b *Bouncer) users(ctx context.Context) (string, error) {
	rows, err := b.of.Exec(ctx, "", "select rolname, coalesce(rolpassword, '') from pg_authid where rolcanlogin")
	if err != nil {
		return "", err
	}
	var lines strings.Builder
	for row := range strings.Lines(rows) {
		name, secret, _ := strings.Cut(strings.TrimSuffix(row, "\n"), "|")
		if name == Superuser {
			secret = b.of.opts.Password
		}
		quote := strings.NewReplacer(`"`, `""`)
		fmt.Fprintf(&lines, "\"%s\" \"%s\"\n", quote.Replace(name), quote.Replace(secret))
	}
	return lines.String(), nil
}

// DSN returns the DSN of a database through PgBouncer. An empty name stands for the database of
// [Cluster.DSN] with an empty name.
func (b *Bouncer) DSN(database string) string {
	if database == "" {
		database = b.of.database
	}
	return dsn(b.home, bouncerPort, b.of.opts.Password, database)
}

// Socket returns the folder of PgBouncer's unix socket and the port number in the socket's name.
func (b *Bouncer) Socket() (dir string, port int) { return b.home, bouncerPort }

// Close stops PgBouncer and removes its files. A second call does nothing.
func (b *Bouncer) Close() error {
	if b.p != nil && !b.p.ended() {
		if err := b.p.signal(syscall.SIGTERM); err != nil { // SIGTERM stops PgBouncer at once, without waiting for clients
			return err
		}
	}
	return os.RemoveAll(b.home)
}

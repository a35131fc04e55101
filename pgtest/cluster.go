package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Cluster is a PostgreSQL server. Its methods may be called concurrently, except Stop, StartAgain and
// Close.
type Cluster struct {
	opts    Options
	bin     string
	as      *account
	home    string // temporary folder for sockets and logs, and for the data if Options.Dir is empty
	data    string
	port    int
	foreign string // DSN of the existing server, or empty

	mu       sync.Mutex
	server   *process // nil while the server is stopped
	database string   // name of the database that DSN("") leads to
	drop     []string // databases on the existing server that Close drops
	closers  []func() error
}

// Start creates a cluster and waits until its server is ready. ctx bounds only the start. The caller
// closes the cluster.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	if dsn := os.Getenv(ForeignEnv); dsn != "" {
		if opts.own() {
			return nil, ErrForeign
		}
		return adopt(ctx, dsn)
	}
	c, err := prepare(opts)
	if err != nil {
		return nil, err
	}
	if err := c.create(ctx); err != nil {
		return nil, c.abandon(err)
	}
	return c, nil
}

// prepare looks up the binaries and creates the folders of a cluster.
func prepare(opts Options) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := servant()
	if err != nil {
		return nil, err
	}
	home, err := home()
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: opts, bin: bin, as: as, home: home, data: filepath.Join(home, "data"), port: 5432, database: Superuser}
	if opts.Dir != "" {
		c.data = filepath.Join(opts.Dir, "pgdata")
	}
	if err := os.Mkdir(c.data, 0o700); err != nil {
		return nil, c.abandon(err)
	}
	if opts.TCP {
		if c.port, err = freePort(); err != nil {
			return nil, c.abandon(err)
		}
	}
	if err := as.give(home); err != nil {
		return nil, c.abandon(err)
	}
	return c, as.give(c.data)
}

// home creates a temporary folder. Its path is short, because paths of unix sockets are limited to about
// 100 bytes.
func home() (string, error) {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return "", err
	}
	if len(dir) > 70 {
		_ = os.Remove(dir) // the folder is still empty
		if dir, err = os.MkdirTemp("/tmp", "pg"); err != nil {
			return "", err
		}
	}
	return dir, os.Chmod(dir, 0o755)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// create initializes the data folder and starts the server.
func (c *Cluster) create(ctx context.Context) error {
	args := []string{"-D", c.data, "-U", Superuser, "-E", "UTF8", "--locale=C", "--no-sync"}
	if c.opts.Small {
		args = append(args, "--wal-segsize=1")
	}
	if c.opts.Password == "" {
		args = append(args, "-A", "trust")
	} else {
		file := filepath.Join(c.home, "password")
		if err := os.WriteFile(file, []byte(c.opts.Password+"\n"), 0o600); err != nil {
			return err
		}
		if err := c.as.give(file); err != nil {
			return err
		}
		args = append(args, "-A", "scram-sha-256", "--pwfile="+file)
	}
	if _, err := run(ctx, c.as, nil, filepath.Join(c.bin, "initdb"), args...); err != nil {
		return err
	}
	if err := c.configure(); err != nil {
		return err
	}
	return c.start(ctx)
}

// configure writes the server settings that differ from PostgreSQL's defaults.
func (c *Cluster) configure() error {
	settings := map[string]string{
		"listen_addresses": "", "unix_socket_directories": c.home, "port": strconv.Itoa(c.port),
		"max_connections": "300", "dynamic_shared_memory_type": "mmap", "logging_collector": "off",
		"wal_level": "replica", "max_wal_senders": "5", "hot_standby": "on", "timezone": "UTC",
	}
	if c.opts.TCP {
		settings["listen_addresses"] = "127.0.0.1"
	}
	if c.opts.NoSync {
		settings["fsync"], settings["full_page_writes"], settings["synchronous_commit"] = "off", "off", "off"
	}
	if c.opts.Small {
		settings["min_wal_size"], settings["max_wal_size"], settings["shared_buffers"] = "2MB", "8MB", "8MB"
	}
	for name, value := range c.opts.Settings {
		settings[name] = value
	}
	var b strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	// The settings have a file of their own. A standby copies the data folder and then overwrites this
	// file.
	if err := os.WriteFile(filepath.Join(c.data, "pgtest.conf"), []byte(b.String()), 0o600); err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(c.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer conf.Close()
	if _, err := conf.WriteString("\ninclude 'pgtest.conf'\n"); err != nil {
		return err
	}
	return c.as.give(filepath.Join(c.data, "pgtest.conf"))
}

// abandon closes a cluster that could not be created. It returns err extended by the end of the server's
// log.
func (c *Cluster) abandon(err error) error {
	if log := c.Log(); log != "" {
		err = fmt.Errorf("%w; the server's log ends with:\n%s", err, log)
	}
	if closeErr := c.Close(); closeErr != nil {
		err = fmt.Errorf("%w; and closing it: %w", err, closeErr)
	}
	return err
}

// Log returns the end of the server's log, at most 4 KiB, for the messages of failing tests.
func (c *Cluster) Log() string {
	const most = 4 << 10
	text, err := os.ReadFile(filepath.Join(c.home, "log"))
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-most):])
}

// Package pgtest starts throwaway PostgreSQL servers for tests, from the binaries on the machine.
// Each [Cluster] has a temporary folder, in which it listens on a unix socket. A test can stop the
// server cleanly or kill it, start it again, create a standby, and connect through PgBouncer.
// [Cluster.Close] stops all processes and removes all files. On Linux the processes also stop when
// the test's process is killed.
//
//	c := pgtest.For(t, pgtest.Options{})
//	pool, err := pgxpool.New(ctx, c.DSN(""))
//
// The package looks for the binaries in PATH and in the folders where Debian, Red Hat and Homebrew
// install them. It needs PostgreSQL 14 or later. PostgreSQL refuses to run as root. If the test
// runs as root, the servers run as the user postgres, or as nobody if there is no user postgres.
//
// The environment variable [ForeignEnv] names an existing server to use instead: Start creates a
// new database on this server, and Close drops the database. Operations that an existing server
// does not allow, such as Stop, return [ErrForeign]. Tests that need such an operation are skipped.
//
// # Files
//
//	testing.go          For, Check and Folder, which tests call
//	options.go          Options, errors and timeouts
//	cluster.go          Cluster, Start: creates the folders and the configuration
//	server.go           stops, starts and closes the server
//	dsn.go              DSN, Exec, CreateDatabase, KillConnections
//	standby.go          a standby: Standby, Promote, CaughtUp
//	bouncer.go          PgBouncer in front of a cluster
//	existing_server.go  a database on an existing server
//	binaries.go         which binaries are used
//	account.go          which user the servers run as
//	process.go          starts, signals and waits for processes
//	process_linux.go    stops servers when the test's process ends; process_other.go for other systems
package pgtest

// Package pgtest starts throwaway PostgreSQL servers for tests, from the binaries on the machine.
// Each [Cluster] has a temporary folder and listens on a unix socket there. It can be stopped,
// in order or hard, started again, followed by a standby, and reached through PgBouncer. Nothing
// of it is left after [Cluster.Close]. Its processes also end when the test's process is killed.
//
//	c := pgtest.For(t, pgtest.Options{})
//	pool, err := pgxpool.New(ctx, c.DSN(""))
//
// The binaries are looked for in PATH and in the places where Debian and others put them.
// PostgreSQL 14 or later will do. PostgreSQL refuses to run as root. Then the servers run as the
// user postgres, or as nobody if there is no such user.
//
// With the environment variable [ForeignEnv] an existing server is used instead: Start makes a new
// database there, and Close drops it. What such a server cannot do, for example be stopped, returns
// [ErrForeign], and tests that need it are skipped.
//
// # Files
//
//	testing.go          For, Check and Folder: what tests call
//	options.go          Options, errors and timeouts
//	cluster.go          Cluster, Start: makes the folders and the configuration
//	server.go           stops, starts and closes the server
//	dsn.go              DSN, Exec, CreateDatabase, KillConnections
//	standby.go          a standby: Standby, Promote, CaughtUp
//	bouncer.go          PgBouncer before a cluster
//	existing_server.go  a database on an existing server
//	binaries.go         which binaries are used
//	account.go          which user the servers run as
//	process.go          starts, signals and waits for processes
//	process_linux.go    ends servers with the test's process; process_other.go elsewhere
package pgtest

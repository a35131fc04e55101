// Package pgtest starts throwaway Postgres servers for tests, from the binaries
// on the machine: each [Cluster] has a temporary folder and listens on a unix
// socket there. It can be stopped, orderly or hard, started again, followed by a
// standby, and reached through PgBouncer. Nothing of it is left after
// [Cluster.Close], and its processes also end when the test's process is killed.
//
//	c := pgtest.For(t, pgtest.Options{})
//	pool, err := pgxpool.New(ctx, c.DSN(""))
//
// The binaries are looked for in PATH and in the places where Debian and others
// put them; Postgres 14 or later will do. As root, which Postgres refuses to be,
// the servers run as the user postgres, else as nobody.
//
// With the environment variable [ForeignEnv] an existing server is used
// instead: Start makes a fresh database there and Close drops it. What that server
// cannot be asked for, stopping it for one, is then [ErrForeign], and tests
// that need it skip.
package pgtest

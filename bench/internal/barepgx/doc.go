// Package barepgx has the turns of a host on Postgres with nothing but pgx: the same statements in the
// same pipelines, with the same arguments, for as many callers. The difference to a host is what the
// host and its processes cost.
//
// Files:
//
//   - turn.go: the pool, reading a model turn, and having turns.
//   - statements.go: the statements of storage-postgres, and its default settings.
package barepgx

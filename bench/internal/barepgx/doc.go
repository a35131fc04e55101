// Package barepgx runs the turns of a host on Postgres with nothing but pgx. It sends the statements that
// the plugin storage-postgres sends, in the same pipelines and with the same arguments. The difference
// between its turns and a host's turns is the cost of the host and its processes.
//
// Files:
//
//   - turn.go: the pool, reading a model turn, and running turns.
//   - statements.go: the statements of storage-postgres, and its default settings.
package barepgx

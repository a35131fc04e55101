// Package barepgx runs the turns of a host on Postgres with nothing but pgx: the same
// statements in the same pipelines, with what the host's plugin wrote as arguments, for
// the same number of callers. What a host costs above it is what the host and its
// processes cost.
package barepgx

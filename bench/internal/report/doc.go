// Package report has the results of a benchmark run, and prints them as tables or as JSON.
//
// Files:
//
//   - report.go: the results of all parts as JSON, and the names of what is measured.
//   - text.go: the tables of most parts.
//   - aims.go: the figures that the project wants to reach, and whether they are reached.
//   - plugin.go: table and aims of the part plugin.
//   - providers.go: table and aims of the part providers.
//   - storages.go: table and aims of the part storages.
//   - registry.go: results, table and aims of the part registry.
//   - depth.go: results, table and aims of the part depth.
//   - machine.go: the machine that the benchmark ran on.
package report

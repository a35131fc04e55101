// Migrate turns the conversations that the Python library dataknobs-bots stored into an export that
// botyard tenant import reads.
//
// It uses nothing but the standard library. It reads no database: the client of the database prints the
// records, and migrate reads them. It leaves out what it cannot read or keep, and reports this on
// standard error.
//
//   - main.go: the flags, the lines of the export, and the report.
//   - input.go: finds the conversations in the JSON that a backend of the library stores.
//   - path.go: the messages from a conversation's root to its current node.
//   - convert.go: groups these messages into turns.
//   - message.go: one message, its calls of tools and their results.
//   - values.go: times, ids and counts.
package main

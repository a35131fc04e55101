// Package archivetest has a storage of conversations in memory, for tests of exports, imports,
// erasures and purges. The storage keeps the promises of package storage: its test runs the
// conformance kit.
//
// Files:
//
//   - storage.go: Storage; Read, List and Renew.
//   - turn.go: Begin and Commit, and the fence of a turn.
//   - delete.go: Delete, and which conversations a scope matches.
//   - import.go: Import, and which turns Import refuses.
//   - owner.go: which user may see a conversation, and emptying a user's turns.
package archivetest

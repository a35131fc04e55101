// Package archivetest has a storage of conversations in memory, for tests of exports, imports,
// erasures and purges. A test can make its calls fail.
//
// Files:
//
//   - storage.go: Storage, and what it calls before each method.
package archivetest

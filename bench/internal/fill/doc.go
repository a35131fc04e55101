// Package fill puts many tenants or turns into a storage in little time, as if hosts had done it one by
// one.
//
// Files:
//
//   - tenants.go: tenants in a registry, by SQL or by the storage's interface.
//   - turns.go: turns in one conversation, by SQL or by the storage's interface.
package fill

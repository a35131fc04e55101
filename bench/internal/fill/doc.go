// Package fill writes many tenants or turns to a storage quickly. The result is what hosts would have
// written one by one.
//
// Files:
//
//   - tenants.go: tenants in a registry, by SQL or by the storage's interface.
//   - turns.go: turns in one conversation, by SQL or by the storage's interface.
package fill

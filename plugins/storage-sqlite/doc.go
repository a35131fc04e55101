// Package sqlitestore is the storage plugin "sqlite": it keeps conversations in one
// file of the machine it runs on.
package sqlitestore

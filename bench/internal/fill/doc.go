// Package fill puts much into a storage in little time: tenants into its registry and
// turns into one conversation, as if hosts had done it one by one.
package fill

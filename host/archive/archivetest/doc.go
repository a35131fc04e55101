// Package archivetest has a storage of conversations in memory, for tests of what
// works on whole tenants. It keeps what package storage promises; the conformance kit
// holds it to that.
package archivetest

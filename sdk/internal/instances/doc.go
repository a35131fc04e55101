// Package instances stores the configured instances of a plugin process.
//
// # Files
//
//	set.go      Set: opens an instance once, and closes it after its last call
//	info.go     NewInfo: the services and features of a plugin, from the type of its instances
//	backend.go  Backend: decodes a configuration and opens an instance with it
package instances

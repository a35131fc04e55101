// Package fault has the typed errors that cross every boundary of the system. Between a plugin and
// the host, an error is the detail of a gRPC status. Between the host and a caller, it is an HTTP
// problem. Code distinguishes errors by Class, never by text.
//
// # Files
//
//	class.go           Class: what kind of failure it is
//	party.go           Party: who is to blame
//	origin.go          Origin: where an error was made; From, which sets the party by the origin
//	blame.go           the table of classes: name, whether a retry helps, who is to blame
//	path.go            Path: the names and indexes that lead to the wrong field
//	fault.go           Error, and New, Of and Is
//	caller_message.go  what callers may read of an error
//	status_adapter.go  an error as a gRPC status, and back
//	grpc_status.go     what a gRPC status without a Fault means, in the words of each language's library
package fault

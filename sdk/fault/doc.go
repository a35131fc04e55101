// Package fault has the typed errors that cross every boundary of the system. From a plugin to
// the host an error is the detail of a gRPC status. From the host to a caller it is an HTTP
// problem. Code tells errors apart by Class, never by text.
//
// # Files
//
//	class.go           Class: what kind of failure it is
//	party.go           Party: whose fault it is
//	origin.go          Origin: where an error was made; From, which decides the party by it
//	blame.go           the table: name of a class, whether a retry helps, whose fault it is
//	fault.go           Error, and New, Of and Is
//	caller_message.go  what callers are told, and what is only for the operator
//	status_adapter.go  an error as a gRPC status, and back
package fault

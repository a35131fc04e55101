// Package fault is the one set of typed errors that crosses every boundary of
// the system: plugin to host as the detail of a gRPC status, host to caller as
// an HTTP problem. Code tells errors apart by Class, never by text.
package fault

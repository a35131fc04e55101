// Package services serves the host services: what a plugin process may ask of the host while it
// works on a call. Package plugins makes the nested calls.
//
// A [Server] serves one plugin process on a unix socket. Nothing that a process sends is read before
// the host knows who sends it:
//
//   - listener.go: connections are accepted from the plugin's process and the processes that it
//     started, and from no others; how many connections there may be
//   - peer_linux.go, peer_other.go: which process has connected
//   - token.go: call tokens: what a token stands for, and how many callbacks it may have at once
//   - server.go: the gRPC server. A callback without a valid token is refused by its headers, before
//     its message is read
//   - callback.go: the two host services
//   - meter.go: counts the callbacks of a turn for its record
//
// A call token ends with the call of the host that it was made for. The token then opens nothing,
// and its callbacks are canceled. Close ends everything that the process has open.
package services

// Package load sends turns to a host over HTTP. In a closed loop each caller sends its next turn when it
// has the reply to its last turn. In an open loop turns arrive at random times, even while earlier turns
// are running.
//
// The client does as little as HTTP/1.1 allows, because it shares the machine with the host. It checks
// that each reply is complete, and counts only turns with a complete reply.
//
// Files:
//
//   - closed.go: closed loops and their result.
//   - open.go: the open loop, its arrivals and its latencies.
//   - client.go: a connection, and the check of replies.
//   - turn.go: a turn as an HTTP request.
//   - sleep.go: sleeping exactly.
package load

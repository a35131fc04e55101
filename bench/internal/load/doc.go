// Package load sends turns to a host over HTTP. In a closed loop each caller sends its next turn when it
// has the reply to the last. In an open loop turns arrive at random times, whether earlier ones have
// ended or not.
//
// The client does as little as HTTP/1.1 allows, since it shares the machine with the host. It checks each
// reply: a turn counts when its reply is whole.
//
// Files:
//
//   - closed.go: closed loops and their result.
//   - open.go: the open loop, its arrivals and its latencies.
//   - client.go: a connection, and the check of replies.
//   - turn.go: a turn as an HTTP request.
//   - sleep.go: sleeping exactly.
package load

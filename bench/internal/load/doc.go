// Package load drives a host over HTTP: in closed loops, where each of so many
// callers sends its next turn when it has the last one's reply, and in an open
// loop, where turns arrive at random times whatever became of those before.
//
// The client is as small as HTTP/1.1 allows, since it shares the machine with what
// it measures. It looks at each reply: a turn counts when it was answered whole.
package load

// Package echocall measures the least that a call between two processes costs: a
// unary gRPC call through go-plugin that answers what it was given. It is the unit
// in which the hops of a turn can be counted.
package echocall

// Package poll calls a function regularly until its owner stops it.
//
// The host polls the changes of the tenant store, the secrets of the tenant store's configuration,
// the secrets of cached bots, and the expiry of cached bots. For each of these tasks the host has a
// function that checks once. This package has the loop that calls the function.
//
//   - poll.go: Every, the loop.
package poll

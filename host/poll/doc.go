// Package poll calls a function regularly until its owner stops it.
//
// The host polls several things: the changes of the tenant store, the secrets of the tenant
// store's configuration, the secrets of cached bots, and cached bots that have expired. Each
// of them has a function that checks once. This package has the loop that calls it.
//
//   - poll.go: Every, the loop.
package poll

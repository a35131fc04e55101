// Package poll repeats a look at something that may have changed, until its owner stops it.
//
// The host polls several things: the changes of the tenant store, the secrets of the tenant
// store's configuration, the secrets of cached bots, and bots whose time is over. Each of
// them has a function that looks once. The loop around it is here, and only here.
//
//   - poll.go: Every, the loop.
package poll

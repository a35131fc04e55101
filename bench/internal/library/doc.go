// Package library measures the host embedded in a Go program: turns without HTTP, and the memory of
// registered tenants and cached bots.
//
// Files:
//
//   - library.go: options, the result, and opening a host.
//   - turns.go: rates of turns without HTTP.
//   - bots.go: building, looking up and caching bots, and the memory of each bot.
package library

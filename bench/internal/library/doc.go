// Package library measures the host as a Go program that embeds it sees it: turns
// without HTTP, and what a registered tenant and a cached bot take.
package library

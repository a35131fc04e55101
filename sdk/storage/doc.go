// Package storage is the kind of plugin that keeps conversations: for each
// (tenant, conversation) an append-only, gapless log of succeeded turns, and
// beside it the turns that did not succeed.
package storage

// Package llm is the kind of plugin that generates replies: its interface, the
// plugin that serves an implementation, and the client that the host calls it by.
package llm

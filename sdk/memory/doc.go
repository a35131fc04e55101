// Package memory is the kind of plugin that chooses what a model is shown of a
// conversation. The log itself is the storage's; a memory follows it.
package memory

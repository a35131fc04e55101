// Package chat has the words that every kind of plugin and the host share:
// messages made of typed parts, and token usage. Its JSON form is stable, so
// that storages may keep messages as JSON.
package chat

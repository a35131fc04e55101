// Package hostile has the means of an attacker: misbehaving servers that a tenant's settings may name, and
// settings at the edge of what a host accepts.
//
// Files:
//
//   - document.go: settings of tenants at the edge of a bound.
//   - ollama.go: a model provider with hostile replies.
//   - postgres.go: a database server with hostile replies.
package hostile

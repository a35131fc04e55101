// Package hostile has what an attacker can bring: servers that a tenant's settings name and that misbehave,
// and settings at the edge of what a host accepts.
//
// Files:
//
//   - document.go: settings of tenants at the edge of a bound.
//   - ollama.go: a model provider with hostile replies.
//   - postgres.go: a database server with hostile replies.
package hostile

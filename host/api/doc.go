// Package api serves a host over HTTP.
//
// A [Server] has the native API: chat and conversations below /api/v1, tenants, the
// cache and plugins below /admin/v1, /healthz and /readyz. It is net/http and
// nothing else; route.go has the table of routes.
//
// The tenant is what the header X-Tenant-ID says. Without authentication the server
// listens on loopback only, and refuses what a web page could have sent: guard.go
// says how. With auth.mode = "token" there are two bearer tokens, one for the gateway
// that sets the header and one for the operator: access.go says what they open.
//
// Errors are RFC 9457 problem details, a [Problem]; problem.go has the one table
// from classes to HTTP statuses. Replies are JSON objects, or, where a chat asks
// for it, a stream of server-sent events; stream.go has its rules.
package api

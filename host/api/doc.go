// Package api serves a host over HTTP.
//
// A [Server] has the native API: turns and conversations below /api/v1, the operator's
// routes below /admin/v1, /metrics, /healthz and /readyz. Errors are RFC 9457 problem
// details, a [Problem]. Replies are JSON objects, or a stream of server-sent events if a
// chat asks for it. To add a route, add a line to the table in routes.go.
//
// The header X-Tenant-ID names the tenant. With auth.mode = "none" the server listens on
// loopback only. With auth.mode = "token" there are two bearer tokens: one for the gateway
// that sets the header, and one for the operator.
//
// Where a request goes first, in this order:
//
//   - listen.go: on which addresses the server may listen
//   - connections.go: how many connections there may be, and which gives way
//   - certificate.go: the TLS certificate, and when it is read again
//   - send_buffer.go: how much the system buffers for a slow reader
//   - middleware.go: request id, log line, metrics, recovery of panics
//   - disconnect.go, disconnect_linux.go, disconnect_other.go: when a caller counts as gone
//   - origin.go: which requests of browsers are refused
//   - router.go: which route a path belongs to
//   - routes.go: the table of all routes
//   - authorize.go: who may use a route; tokens.go: which tokens are valid now
//   - inflight.go: counts running requests, for the end of the host
//   - audit.go: which changes the audit log has
//   - validate.go: which headers and parameters are accepted; query.go: how they are read
//   - request_limits.go: how many requests run at once, and how many bytes they hold
//
// Handlers for tenants' users:
//
//   - bot.go: reads X-Tenant-ID, and finds the bot of that tenant
//   - chat.go: a turn; stream.go: a turn as a stream of events
//   - conversation.go: lists, reads and deletes conversations
//   - turn.go: the turns of a conversation; message.go: messages and their pages
//
// Handlers for the operator:
//
//   - tenant.go: lists and shows tenants
//   - tenant_change.go: puts, patches and removes tenants, and their own settings
//   - tenant_redacted.go: decides which values are shown as "<secret>"
//   - tenant_settings.go: limits requests that read or change settings
//   - tenant_versions.go: history, rollback and restore
//   - effective.go: the effective configuration with its provenance
//   - etag.go: preconditions, If-Match and If-None-Match
//   - archive.go: export, import, erase and purge
//   - turn_inspect.go: one turn, and what the model was given in it
//   - cache.go: the cached bots; plugins.go: the plugins' processes; reload.go: the reload
//     of the host's files; metrics.go: the page of metrics; health.go: the probes
//
// Bodies and answers:
//
//   - body.go: content types; body_reader.go: reads a body into memory, and decides when it
//     is too slow; unread_body.go: what happens to a body that nobody read
//   - decode.go: decodes a JSON object strictly
//   - ndjson.go: answers and bodies of JSON lines
//   - json_response.go: answers with a JSON value; page.go: answers with a long list
//   - response.go: writes an answer, and decides when its reader is too slow
//   - problem.go: the status of every error, and what callers may read of it
//
// server.go starts and ends all of it: Serve, Withdraw, Drain.
package api

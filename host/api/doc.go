// Package api serves a host over HTTP.
//
// A [Server] has the native API: turns and conversations below /api/v1, the operator's routes below
// /admin/v1, and the routes /metrics, /healthz and /readyz. The body of an error is a [Problem],
// which is a problem detail of RFC 9457. A reply is a JSON object, or a stream of server-sent
// events if a chat requests one. A new route is one line in the table in routes.go.
//
// The header X-Tenant-ID names the tenant. With auth.mode = "none" the server listens on loopback
// only. With auth.mode = "token" there are two bearer tokens: one for the gateway that sets the
// header, and one for the operator.
//
// The files of the server and its middleware, in the order in which a request passes them:
//
//   - listen.go: on which addresses the server may listen
//   - connections.go: how many connections may be open, and which connection closes for a new one
//   - certificate.go: the TLS certificate, and when its files are read again
//   - send_buffer.go: how many bytes the system buffers for a slow reader
//   - middleware.go: request id, log line, metrics, recovery of panics
//   - disconnect.go, disconnect_linux.go, disconnect_other.go: when a caller counts as disconnected
//   - origin.go: which requests of browsers are refused
//   - router.go: which route a path belongs to
//   - routes.go: the table of all routes
//   - authorize.go: which callers may use a route; tokens.go: which tokens are valid
//   - inflight.go: counts running requests, so that a stopping host can wait for them
//   - audit.go: which changes the audit log records
//   - validate.go: which headers and parameters are accepted; query.go: reads query parameters
//   - request_limits.go: how many requests run at once, and how many bytes their bodies and answers take
//
// Handlers for tenants' users:
//
//   - bot.go: reads X-Tenant-ID, and acquires the bot of that tenant
//   - chat.go: a turn; stream.go: a turn as a stream of events
//   - chat_messages.go: the messages and tools of a chat request
//   - conversation.go: lists, reads and deletes conversations
//   - branch.go: copies the beginning of a conversation into a new one
//   - turn.go: the turns of a conversation; message.go: messages and their pages
//
// Handlers for the operator:
//
//   - tenant.go: lists and shows tenants
//   - tenant_change.go: puts, patches and removes tenants, and their own settings
//   - tenant_redacted.go: decides which values are shown as "<secret>"
//   - tenant_view.go: what a request with as=tenant may see
//   - tenant_settings.go: limits requests that read or change settings; the author of a request
//   - tenant_versions.go: history, rollback and restore
//   - instance_check.go: whether the instances of a tenant can do their work now
//   - effective.go: the effective configuration with its provenance
//   - etag.go: preconditions, If-Match and If-None-Match
//   - archive.go: export, import, erase and purge
//   - turn_inspect.go: one turn, and the messages that the model got in the turn
//   - cache.go: the cached bots; plugins.go: the plugins' processes; reload.go: the reload
//     of the host's files; metrics.go: the metrics page; health.go: the probes
//
// Bodies and responses:
//
//   - body.go: content types; body_reader.go: reads a body into memory, and refuses a slow body;
//     unread_body.go: the unread body of a refused request
//   - decode.go: decodes a JSON object strictly
//   - ndjson.go: responses and bodies of JSON lines
//   - json_response.go: responses with a JSON value; page.go: responses with a long list
//   - response.go: writes a response, and cuts off a slow reader
//   - problem.go: the status of every error, and the text that callers get
//
// The file server.go starts and stops the server: Serve, Withdraw, Drain.
package api

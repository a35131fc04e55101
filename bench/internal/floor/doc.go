// Package floor serves the turns of a host in one process: the host's HTTP front, registry and turn, and
// the plugins' packages, called through their interfaces. The difference to a host is what processes,
// the protocol and their supervision cost.
//
// Files:
//
//   - host.go: options, and the host that links the plugins.
//   - joining.go: joining tokens, as the server in a plugin's process does.
//   - serve.go: registering tenants and serving until the end.
package floor

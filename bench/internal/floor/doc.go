// Package floor serves the turns of a host in one process. It links the host's HTTP front, registry and
// turn, and the packages of the plugins, which it calls directly. The difference between its turns and a
// host's turns is the cost of processes, the plugin protocol and supervision.
//
// Files:
//
//   - host.go: options, and the host that links the plugins.
//   - joining.go: joining tokens, as the server in a plugin's process does.
//   - serve.go: registering tenants and serving until the end.
package floor

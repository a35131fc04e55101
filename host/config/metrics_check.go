package config

import (
	"fmt"
	"net"
	"strconv"
)

const metricsKey = "metrics"

// metricsProblems returns the problems of metrics.listen that the schema cannot find. It reports
// every address that would make the start of the host fail.
func (f *baseMerge) metricsProblems() Problems {
	m, _ := f.tree[metricsKey].(map[string]any)
	address, given := m["listen"].(string)
	if !given || address == "" {
		return nil
	}
	path := Path{metricsKey, "listen"}
	if m["enabled"] == false {
		return Problems{f.problem(path, "is given, and metrics.enabled is false", "metrics.enabled = true, or no address")}
	}
	name, port, err := net.SplitHostPort(address)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return Problems{f.problem(path, fmt.Sprintf("%q is not an address and a port", address), "one such as 127.0.0.1:9464")}
	}
	auth, _ := f.tree[authKey].(map[string]any)
	if auth[modeKey] != AuthToken && !IsLoopbackName(name) {
		return Problems{f.problem(path, fmt.Sprintf("%q is beyond this machine, where whoever reaches it would see the metrics", address),
			`a loopback address such as 127.0.0.1:9464, or auth.mode = "token": then the admin token is asked for`)}
	}
	return nil
}

// IsLoopbackName reports whether name, the host part of an address, is localhost or a loopback IP
// address.
func IsLoopbackName(name string) bool {
	if name == "localhost" {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

package api

import (
	"fmt"
	"net"
)

// Listen opens the address that the server is to be served on. Without
// authentication that is a loopback address: whoever reaches the server can use
// every tenant.
func Listen(address string) (net.Listener, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen = %q is not an address and a port, such as 127.0.0.1:8080: %w", address, err)
	}
	// Before anything is bound: a port that is open for a moment is open.
	if !isLoopbackName(name) {
		return nil, notLoopback(address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if err := checkLoopback(l); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// checkLoopback looks at what was bound, which the name only promised.
func checkLoopback(l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return notLoopback(l.Addr().String())
	}
	return nil
}

func notLoopback(address string) error {
	return fmt.Errorf("refusing to listen on %q: with auth.mode = \"none\" whoever reaches the host can use every tenant; "+
		"set listen (or --listen) to a loopback address such as 127.0.0.1:8080", address)
}

func isLoopbackName(name string) bool {
	if name == "localhost" {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

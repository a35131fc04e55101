package api

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// refuseForeignOrigins returns a handler that refuses requests that a web page of another site
// could have sent. The server uses it when auth.mode is "none", because a loopback address is
// reachable from every web page in a browser on this machine.
//
// The Host header reveals a page whose name resolves to this machine (DNS rebinding). The headers
// Origin and Sec-Fetch-Site reveal a page of another origin. A plain HTML form, which a browser
// sends without asking the server first, cannot send JSON, and readBody accepts only JSON.
func refuseForeignOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkOrigin(r); err != nil {
			writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkOrigin returns an error if a web page of another site could have sent the request.
func checkOrigin(r *http.Request) error {
	if !isLoopbackHost(r.Host) {
		return withStatus(http.StatusMisdirectedRequest, fault.New(fault.Forbidden,
			"%q is not a name of this host; without authentication it answers to localhost, 127.0.0.1 and [::1] only", clip(r.Host)).
			At("Host").By(fault.PartyCaller))
	}
	for _, origin := range r.Header.Values("Origin") {
		if !sameOrigin(origin, r.Host) {
			return forbidden("Origin", "requests of the origin %q are refused; without authentication only pages of this host may call it", clip(origin))
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		// The value same-site is refused too, because browsers treat all ports of localhost as one
		// site.
		if site != "same-origin" && site != "none" {
			return forbidden("Sec-Fetch-Site", "requests of other sites (%q) are refused; without authentication only pages of this host may call it", clip(site))
		}
	}
	return nil
}

// isLoopbackHost reports whether the Host header names this machine, with any port.
func isLoopbackHost(hostport string) bool {
	name := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		name = h
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	return isLoopbackName(strings.ToLower(name))
}

// sameOrigin reports whether the Origin header has the same host and port as the Host header.
func sameOrigin(origin, hostport string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.Path == "" &&
		strings.EqualFold(u.Host, hostport)
}

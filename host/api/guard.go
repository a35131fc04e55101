package api

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// guard refuses what a page in a browser on this machine could have sent: loopback
// keeps other machines out, and says nothing of the pages that a user looks at.
// A page whose name was made to point here (DNS rebinding) shows itself by Host,
// one of another origin by Origin or Sec-Fetch-Site. A plain form, which needs no
// preflight, cannot send JSON: readBody takes nothing else.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkSource(r); err != nil {
			writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func checkSource(r *http.Request) error {
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
		if site != "same-origin" && site != "none" { // same-site too: every port of localhost is one site
			return forbidden("Sec-Fetch-Site", "requests of other sites (%q) are refused; without authentication only pages of this host may call it", clip(site))
		}
	}
	return nil
}

func isLoopbackHost(hostport string) bool {
	name := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		name = h
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	return isLoopbackName(strings.ToLower(name))
}

func sameOrigin(origin, hostport string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.Path == "" &&
		strings.EqualFold(u.Host, hostport)
}

func forbidden(header, format string, args ...any) error {
	return fault.New(fault.Forbidden, format, args...).At(header).By(fault.PartyCaller)
}

// clip bounds what an error repeats of a request.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

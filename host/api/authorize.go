package api

import (
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// caller says who may use a route when auth.mode is "token".
type caller int

const (
	anyCaller     caller = iota // without a token: the probes
	tokenCaller                 // with either token
	gatewayCaller               // with the gateway's token; its X-Tenant-ID is believed
	adminCaller                 // with the operator's token
)

// requiredCaller returns who may use the routes of the pattern. It reads the pattern and
// not the path of a request, so that no spelling of a path can be read in two ways. A
// route that needs no token has to be named here.
func requiredCaller(pattern string) caller {
	switch {
	case pattern == "/healthz" || pattern == "/readyz":
		return anyCaller
	case strings.HasPrefix(pattern, "/api/v1/") || pattern == chatAlias:
		return gatewayCaller
	case strings.HasPrefix(pattern, "/admin/") || pattern == MetricsRoute:
		return adminCaller
	}
	return tokenCaller
}

// authorize returns a handler that lets only those callers through to h which the
// pattern requires. A missing or unknown token is 401, the other token is 403.
func (s *Server) authorize(pattern string, h handler) handler {
	needs := requiredCaller(pattern)
	if s.tokens == nil || needs == anyCaller {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		gateway, admin := s.tokens.match(r)
		switch {
		case !gateway && !admin:
			// One text for every wrong token, so that it tells nothing about the right one.
			w.Header().Set("WWW-Authenticate", `Bearer realm="botyard"`)
			return fault.New(fault.Unauthenticated, "expected a bearer token that this host knows").At("Authorization").By(fault.PartyCaller)
		case needs == gatewayCaller && !gateway:
			return forbidden("Authorization", "the admin token does not open this; expected the gateway token")
		case needs == adminCaller && !admin:
			return forbidden("Authorization", "the gateway token does not open this; expected the admin token")
		}
		return h(w, r)
	}
}

// bearerToken returns the token of the request, or "".
func bearerToken(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// forbidden returns an error that blames the caller's header.
func forbidden(header, format string, args ...any) error {
	return fault.New(fault.Forbidden, format, args...).At(header).By(fault.PartyCaller)
}

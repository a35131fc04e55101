package api

import (
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// caller says which callers may use a route when auth.mode is "token".
type caller int

const (
	anyCaller     caller = iota // every caller, also without a token; for probes
	tokenCaller                 // callers with the gateway's or the operator's token
	gatewayCaller               // callers with the gateway's token; the host trusts their X-Tenant-ID
	adminCaller                 // callers with the operator's token
)

// requiredCaller returns which callers may use the routes of the pattern. It uses the pattern and
// not the path of a request, because one path can be spelled in several ways. requiredCaller names
// each route that needs no token.
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

// authorize returns a handler that calls h only for the callers that the pattern requires. A
// request with a missing or unknown token gets status 401. A request with the wrong one of the two
// tokens gets status 403.
func (s *Server) authorize(pattern string, h handler) handler {
	needs := requiredCaller(pattern)
	if s.tokens == nil || needs == anyCaller {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		gateway, admin := s.tokens.match(r)
		switch {
		case !gateway && !admin:
			// The error is the same for every unknown token, so that it reveals nothing about the
			// valid tokens.
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

// bearerToken returns the bearer token of the request, or "".
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

// forbidden returns an error of class forbidden that blames the header of the caller.
func forbidden(header, format string, args ...any) error {
	return fault.New(fault.Forbidden, format, args...).At(header).By(fault.PartyCaller)
}

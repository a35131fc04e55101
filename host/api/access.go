package api

import (
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// access is what a route asks of its callers where tokens are asked for.
type access int

const (
	forAnybody  access = iota // no token: probes have none
	forKnown                  // either token
	forGateways               // the gateway's, who is believed what tenant it speaks for
	forAdmins                 // the operator's
)

// accessOf goes by a route's pattern and not by a request's path, so that the two
// cannot be read differently. What is neither a tenant's nor an operator's must be
// named here to be open.
func accessOf(pattern string) access {
	switch {
	case pattern == "/healthz" || pattern == "/readyz":
		return forAnybody
	case strings.HasPrefix(pattern, "/api/v1/") || pattern == chatAlias:
		return forGateways
	case strings.HasPrefix(pattern, "/admin/") || pattern == MetricsRoute:
		return forAdmins
	}
	return forKnown
}

// admit has h answer those who may come to the route only.
func (s *Server) admit(pattern string, h handler) handler {
	needs := accessOf(pattern)
	if s.keys == nil || needs == forAnybody {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		gateway, admin := s.keys.holds(r)
		switch {
		case !gateway && !admin:
			// The same whatever was wrong: what is close to right is nobody's business.
			w.Header().Set("WWW-Authenticate", `Bearer realm="botyard"`)
			return fault.New(fault.Unauthenticated, "expected a bearer token that this host knows").At("Authorization").By(fault.PartyCaller)
		case needs == forGateways && !gateway:
			return forbidden("Authorization", "the admin token does not open this; expected the gateway token")
		case needs == forAdmins && !admin:
			return forbidden("Authorization", "the gateway token does not open this; expected the admin token")
		}
		return h(w, r)
	}
}

// bearer gives the request's token, or "".
func bearer(r *http.Request) string {
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

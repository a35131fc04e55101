package upstream

import (
	"net/url"
	"strconv"

	"github.com/botyard/botyard/sdk/fault"
)

// ParseBaseURL parses the value of the configuration key base_url. It accepts an absolute URL with the
// scheme http or https and a host, and without a user, a password, a query and a fragment. Every other
// text is fault.Invalid at base_url. The error shows example, which is a valid URL. It does not repeat
// text, which may contain a password.
func ParseBaseURL(text, example string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, invalidBase("is no URL; expected one such as %s", example)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, invalidBase("expected http:// or https:// and a host, such as %s", example)
	case u.User != nil:
		return nil, invalidBase("must not have a user or password in it; set api_key")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, invalidBase("must not have a query or fragment")
	}
	return u, nil
}

// PortOf returns the port of base. Without one it returns the default port of the scheme: 80 for http
// and 443 for https. It returns 0 if the scheme has no default port.
func PortOf(base *url.URL) uint16 {
	if base.Port() == "" {
		return map[string]uint16{"http": 80, "https": 443}[base.Scheme]
	}
	port, _ := strconv.ParseUint(base.Port(), 10, 16)
	return uint16(port)
}

// invalidBase returns fault.Invalid at base_url, which blames the tenant.
func invalidBase(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).At("base_url").By(fault.PartyTenant)
}

package egress

import (
	"net/netip"
	"strconv"
	"strings"
)

// network is a range of addresses that are not public. The field what describes an address of the
// range, such as "a loopback address".
type network struct {
	prefix netip.Prefix
	what   string
}

func networks(what string, prefixes ...string) []network {
	out := make([]network, len(prefixes))
	for i, p := range prefixes {
		out[i] = network{netip.MustParsePrefix(p), what}
	}
	return out
}

// specials are the ranges of IANA's special-purpose registries that are not public: addresses of
// this machine, of networks around it, and reserved addresses. They also contain the public
// addresses that a cloud serves to its own machines only. When two ranges overlap, the narrower one
// comes first.
var specials = join(
	networks("the address of a cloud's metadata", "169.254.169.254/32", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"),
	networks("an unspecified address", "0.0.0.0/8"),
	networks("a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
	networks("an address of a provider's own network", "100.64.0.0/10"),
	networks("a loopback address", "127.0.0.0/8"),
	networks("a link-local address", "169.254.0.0/16"),
	networks("a reserved address", "192.0.0.0/24", "240.0.0.0/4"),
	networks("an address of documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
	networks("an address of a tunnel", "192.88.99.0/24"),
	networks("an address of benchmarks", "198.18.0.0/15"),
	networks("a multicast address", "224.0.0.0/4"),

	networks("a loopback address", "::1/128"),
	networks("an unspecified address", "::/128"),
	networks("a private address", "fc00::/7"),
	networks("a link-local address", "fe80::/10"),
	networks("a site-local address", "fec0::/10"),
	networks("a multicast address", "ff00::/8"),
	networks("an address of documentation", "2001:db8::/32", "3fff::/20"),
	networks("an address of benchmarks", "2001:2::/48"),
	networks("an address of a tunnel", "2001::/32", "2002::/16"),
	networks("a reserved address", "2001::/23"),
)

func join(lists ...[]network) []network {
	var out []network
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // the last four bytes are the IPv4 address of the destination
	global = netip.MustParsePrefix("2000::/3")     // all public IPv6 addresses
)

// special returns a description of an address that is not public, and "" for a public address. addr
// must have no zone.
func special(addr netip.Addr) string {
	addr = addr.Unmap()
	if nat64.Contains(addr) {
		b := addr.As16()
		if what := special(netip.AddrFrom4([4]byte(b[12:]))); what != "" {
			return what + " behind a translator"
		}
		return ""
	}
	for _, n := range specials {
		if n.prefix.Contains(addr) {
			return n.what
		}
	}
	if addr.Is6() && !global.Contains(addr) {
		return "a reserved address" // IPv4-compatible IPv6 addresses are reserved too
	}
	return ""
}

// oddIPv4 parses an IPv4 address in a spelling that the C library accepts and Go does not, such as
// 127.1, 0x7f000001 or 0177.0.0.1. Such a spelling has fewer than four numbers, or hexadecimal or
// octal numbers.
func oddIPv4(text string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimSuffix(text, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		n, err := parseOdd(part)
		last := i == len(parts)-1
		switch {
		case err != nil, !last && n > 0xff, last && n >= 1<<(8*(4-i)):
			return netip.Addr{}, false
		case last:
			value |= n
		default:
			value |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func parseOdd(part string) (uint64, error) {
	lower := strings.ToLower(part)
	if digits, ok := strings.CutPrefix(lower, "0x"); ok {
		if digits == "" {
			return 0, nil // the C library reads "0x" as 0
		}
		return strconv.ParseUint(digits, 16, 64)
	}
	if len(lower) > 1 && lower[0] == '0' {
		return strconv.ParseUint(lower[1:], 8, 64)
	}
	return strconv.ParseUint(lower, 10, 64)
}

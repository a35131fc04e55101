package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Mode says what is allowed beside the list of a policy.
type Mode string

// The modes.
const (
	Any    Mode = "any"    // every address
	Public Mode = "public" // addresses of the public internet
	None   Mode = "none"   // nothing
)

// Bounds of the list of a policy.
const (
	MaxAllow      = 1000 // entries
	MaxEntryBytes = 300
)

// Policy says where connections may lead. The zero value allows every address. A policy
// is not changed once made, and is small: copies share what it says.
type Policy struct{ says *says }

// says is what a policy says; nil allows every address.
type says struct {
	mode  Mode
	allow []string // sorted, as they are sent and compared
	rules []rule
}

// rule is an entry of the list, understood. One of prefix, name and path is set.
type rule struct {
	prefix netip.Prefix
	name   string // lower case, without a dot at its end; "*.example.org" is every name below
	path   string // of a unix socket, or of a folder above it
	port   uint16 // 0: any
}

// EntryError says what is wrong with one entry of a list.
type EntryError struct {
	Index  int
	Reason string
}

// Error names the entry by its place in the list.
func (e *EntryError) Error() string { return fmt.Sprintf("allow[%d]: %s", e.Index, e.Reason) }

// New makes a policy. An entry of allow is an address (10.0.0.5), a network (10.0.0.0/8), the
// name of a host (db.internal) or of all below it (*.internal), each but the network with
// a port if only that is meant (db.internal:5432, [fd00::5]:5432), or the path of a unix
// socket or of its folder (/run/postgresql). A name allows every address that it has. The
// errors are *EntryError, joined, or say that the mode is unknown.
func New(mode Mode, allow []string) (Policy, error) {
	switch mode {
	case Any, "":
		return Policy{}, nil
	case Public, None:
	default:
		return Policy{}, fmt.Errorf("there is no mode %q; expected public, none or any", string(mode))
	}
	if len(allow) > MaxAllow {
		return Policy{}, fmt.Errorf("more than %d entries are allowed", MaxAllow)
	}
	p := &says{mode: mode}
	var errs []error
	for i, text := range allow {
		r, reason := parseRule(text)
		if reason != "" {
			errs = append(errs, &EntryError{i, reason})
			continue
		}
		p.rules = append(p.rules, r)
		p.allow = append(p.allow, text)
	}
	slices.Sort(p.allow)
	p.allow = slices.Compact(p.allow)
	return Policy{p}, errors.Join(errs...)
}

// Mode is the policy's mode.
func (p Policy) Mode() Mode {
	if p.says == nil {
		return Any
	}
	return p.says.mode
}

// Allow is the policy's list, sorted. It is the caller's.
func (p Policy) Allow() []string {
	if p.says == nil {
		return nil
	}
	return slices.Clone(p.says.allow)
}

// Restricts reports whether the policy refuses anything.
func (p Policy) Restricts() bool { return p.says != nil }

// String has all that the policy says: equal texts are equal policies.
func (p Policy) String() string {
	return string(p.Mode()) + fmt.Sprintf("%q", p.Allow())
}

const entryForms = "expected an address, a network such as 10.0.0.0/8, host, host:port, or the path of a unix socket"

// parseRule reads an entry, or says what is wrong with it.
func parseRule(text string) (rule, string) {
	if text == "" || len(text) > MaxEntryBytes {
		return rule{}, entryForms
	}
	if strings.HasPrefix(text, "/") {
		return rule{path: path.Clean(text)}, ""
	}
	if strings.Contains(text, "/") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix.Addr().Is4In6() {
			return rule{}, "is no network; " + entryForms
		}
		return rule{prefix: prefix.Masked()}, ""
	}
	host, port := text, uint16(0)
	if name, digits, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || n == 0 {
			return rule{}, "has no port from 1 to 65535; " + entryForms
		}
		host, port = name, uint16(n)
	}
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if addr.Zone() != "" {
			return rule{}, "names a zone; " + entryForms
		}
		addr = addr.Unmap()
		return rule{prefix: netip.PrefixFrom(addr, addr.BitLen()), port: port}, ""
	}
	name := canonical(host)
	if !isName(strings.TrimPrefix(name, "*.")) {
		return rule{}, "is no name of a host; " + entryForms
	}
	return rule{name: name, port: port}, ""
}

// canonical writes a name as names are compared.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// isName reports whether the text is a name of a host, and no odd spelling of an address.
func isName(text string) bool {
	if text == "" || len(text) > 253 {
		return false
	}
	if _, odd := oddIPv4(text); odd {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// names reports whether the rule is one of the name, which is canonical.
func (r rule) names(name string) bool {
	if below, ok := strings.CutPrefix(r.name, "*"); ok {
		return strings.HasSuffix(name, below) && len(name) > len(below)
	}
	return r.name != "" && r.name == name
}

// is reports whether the rule is for the port; port 0 is one that is not known.
func (r rule) is(port uint16) bool { return r.port == 0 || port == 0 || r.port == port }

// named gives the ports that rules allow for the name: 0 is any. Without a rule it is
// empty.
func (p Policy) named(name string, port uint16) []uint16 {
	if p.says == nil {
		return nil
	}
	var ports []uint16
	for _, r := range p.says.rules {
		if r.names(name) && r.is(port) {
			ports = append(ports, r.port)
		}
	}
	return ports
}

// lists reports whether the list has the address.
func (p Policy) lists(addr netip.Addr, port uint16) bool {
	return p.says != nil && slices.ContainsFunc(p.says.rules, func(r rule) bool {
		return r.prefix.IsValid() && r.prefix.Contains(addr) && r.is(port)
	})
}

// checkAddr judges an address. Host is how it was named.
func (p Policy) checkAddr(host string, addr netip.Addr, port uint16) *Refusal {
	if !p.Restricts() {
		return nil
	}
	why := ""
	if addr.Zone() != "" {
		why = "an address with a zone"
	} else if addr = addr.Unmap(); p.lists(addr, port) {
		return nil
	} else if why = special(addr); why == "" && p.says.mode == Public {
		return nil
	} else if why == "" {
		why = "an address that is not listed"
	}
	return &Refusal{Host: host, Addr: addr, Port: port, Why: why}
}

// checkPath judges the path of a unix socket.
func (p Policy) checkPath(socket string) *Refusal {
	if !p.Restricts() {
		return nil
	}
	clean := path.Clean(socket)
	for _, r := range p.says.rules {
		if r.path != "" && strings.HasPrefix(socket, "/") && (clean == r.path || strings.HasPrefix(clean, strings.TrimSuffix(r.path, "/")+"/")) {
			return nil
		}
	}
	return &Refusal{Path: socket, Why: "a unix socket"}
}

// Refusal is the error of a connection that the policy does not allow, and of a check.
type Refusal struct {
	Host string     // as it was named; empty for a unix socket
	Addr netip.Addr // that it leads to; not valid where a name was judged by itself
	Port uint16     // 0: not known
	Path string     // of a unix socket
	Why  string     // what it is: "a loopback address"
}

// Error says what leads where.
func (r *Refusal) Error() string {
	switch {
	case r.Path != "":
		return fmt.Sprintf("%s is %s, and that is not allowed here", r.Path, r.Why)
	case !r.Addr.IsValid():
		return fmt.Sprintf("%s is %s, and that is not allowed here", r.Host, r.Why)
	case strings.Trim(r.Host, "[]") == r.Addr.String():
		return fmt.Sprintf("%s is %s, and that is not allowed here", r.Addr, r.Why)
	}
	return fmt.Sprintf("%s leads to %s, %s, and that is not allowed here", r.Host, r.Addr, r.Why)
}

// Line is what the operator adds to the host file to allow it.
func (r *Refusal) Line() string { return fmt.Sprintf("egress { allow = [%q] }", r.entry()) }

func (r *Refusal) entry() string {
	switch {
	case r.Path != "":
		return r.Path
	case r.Addr.IsValid() && r.Port != 0:
		return netip.AddrPortFrom(r.Addr.WithZone(""), r.Port).String()
	case r.Addr.IsValid():
		return r.Addr.WithZone("").String()
	case r.Port != 0:
		return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port)))
	}
	return r.Host
}

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

// Mode says which addresses a policy allows in addition to its list.
type Mode string

const (
	Any    Mode = "any"    // every address
	Public Mode = "public" // addresses of the public internet
	None   Mode = "none"   // no address
)

// MaxAllow bounds the number of entries of a policy's list. MaxEntryBytes bounds the bytes of an
// entry.
const (
	MaxAllow      = 1000
	MaxEntryBytes = 300
)

// Policy decides to which addresses a program may connect. The zero value allows every address. A
// Policy never changes. Copies are cheap, because they share their content.
type Policy struct{ says *says }

// says is the content of a policy. A nil says allows every address.
type says struct {
	mode  Mode
	allow []string // sorted
	rules []rule
}

// rule is a parsed entry of a policy's list. Exactly one of prefix, name and path is set.
type rule struct {
	prefix netip.Prefix
	// name is in lower case and has no dot at the end. "*.example.org" means every name below
	// example.org.
	name string
	path string // a unix socket, or a folder that contains it
	port uint16 // 0 means any port
}

// EntryError says what is wrong with one entry of a policy's list.
type EntryError struct {
	Index  int
	Reason string
}

// Error returns the reason, with the index of the entry.
func (e *EntryError) Error() string { return fmt.Sprintf("allow[%d]: %s", e.Index, e.Reason) }

// New returns a policy. An entry of allow is one of these:
//
//   - an address (10.0.0.5)
//   - a network (10.0.0.0/8)
//   - the name of a host (db.internal), which allows every address that the name has
//   - all names below a name (*.internal)
//   - the path of a unix socket or of a folder above it (/run/postgresql)
//
// An address or a name may have a port, and then allows only that port (db.internal:5432,
// [fd00::5]:5432). The error joins an *EntryError for each invalid entry, or says that the mode is
// unknown or that there are too many entries.
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

// Mode returns the policy's mode.
func (p Policy) Mode() Mode {
	if p.says == nil {
		return Any
	}
	return p.says.mode
}

// Allow returns a sorted copy of the policy's list.
func (p Policy) Allow() []string {
	if p.says == nil {
		return nil
	}
	return slices.Clone(p.says.allow)
}

// Restricts reports whether the policy refuses some addresses.
func (p Policy) Restricts() bool { return p.says != nil }

// String returns the policy as text. Two policies are equal if their texts are equal.
func (p Policy) String() string {
	return string(p.Mode()) + fmt.Sprintf("%q", p.Allow())
}

const entryForms = "expected an address, a network such as 10.0.0.0/8, host, host:port, or the path of a unix socket"

// parseRule parses an entry of a list. If the entry is invalid, parseRule returns the reason.
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

// canonical returns a name in lower case and without a dot at the end, so that names can be
// compared.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// isName reports whether the text is a host name. An IPv4 address in an odd spelling is not a name.
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

// names reports whether the rule covers the name, which must be canonical.
func (r rule) names(name string) bool {
	if below, ok := strings.CutPrefix(r.name, "*"); ok {
		return strings.HasSuffix(name, below) && len(name) > len(below)
	}
	return r.name != "" && r.name == name
}

// is reports whether the rule covers the port. Port 0 means that the port is unknown. Every rule
// covers port 0.
func (r rule) is(port uint16) bool { return r.port == 0 || port == 0 || r.port == port }

// named returns the ports that the policy's list allows for the name. Port 0 in the result means
// any port. The result is empty if no entry covers the name and the port.
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

// lists reports whether an entry of the policy's list covers the address and the port.
func (p Policy) lists(addr netip.Addr, port uint16) bool {
	return p.says != nil && slices.ContainsFunc(p.says.rules, func(r rule) bool {
		return r.prefix.IsValid() && r.prefix.Contains(addr) && r.is(port)
	})
}

// checkAddr returns a Refusal if the policy does not allow the address. host is the name or the
// text that gave the address.
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

// checkPath returns a Refusal if the policy does not allow the path of a unix socket.
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

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

// Policy decides to which addresses connections may be made. The zero value allows every
// address. A Policy never changes. Copies are cheap and share their content.
type Policy struct{ says *says }

// says is the content of a policy. nil allows every address.
type says struct {
	mode  Mode
	allow []string // sorted, as they are sent and compared
	rules []rule
}

// rule is a parsed entry of the list. Exactly one of prefix, name and path is set.
type rule struct {
	prefix netip.Prefix
	name   string // lower case, without a dot at its end; "*.example.org" is every name below
	path   string // a unix socket, or a folder above it
	port   uint16 // 0: any
}

// EntryError says what is wrong with one entry of a list.
type EntryError struct {
	Index  int
	Reason string
}

// Error names the entry by its place in the list.
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
// [fd00::5]:5432). The errors are *EntryError, joined, or say that the mode is unknown.
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

// Allow returns a copy of the policy's list, sorted.
func (p Policy) Allow() []string {
	if p.says == nil {
		return nil
	}
	return slices.Clone(p.says.allow)
}

// Restricts reports whether the policy refuses anything.
func (p Policy) Restricts() bool { return p.says != nil }

// String returns the whole policy as text. Equal texts mean equal policies.
func (p Policy) String() string {
	return string(p.Mode()) + fmt.Sprintf("%q", p.Allow())
}

const entryForms = "expected an address, a network such as 10.0.0.0/8, host, host:port, or the path of a unix socket"

// parseRule parses an entry. If it cannot, it returns the reason.
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

// canonical returns a name in the form in which names are compared: lower case, without a dot
// at its end.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// isName reports whether the text is the name of a host and not an odd spelling of an address.
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

// names reports whether the rule covers the name. The name is canonical.
func (r rule) names(name string) bool {
	if below, ok := strings.CutPrefix(r.name, "*"); ok {
		return strings.HasSuffix(name, below) && len(name) > len(below)
	}
	return r.name != "" && r.name == name
}

// is reports whether the rule covers the port. Port 0 means that the port is not known, and
// every rule covers it.
func (r rule) is(port uint16) bool { return r.port == 0 || port == 0 || r.port == port }

// named returns the ports that rules allow for the name. 0 stands for any port. It is empty
// if no rule covers the name and the port.
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

// lists reports whether the list has the address, with this port or without one.
func (p Policy) lists(addr netip.Addr, port uint16) bool {
	return p.says != nil && slices.ContainsFunc(p.says.rules, func(r rule) bool {
		return r.prefix.IsValid() && r.prefix.Contains(addr) && r.is(port)
	})
}

// checkAddr returns a Refusal if the policy does not allow the address. host is the text that
// the address came from.
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

// Refusal is the error of a connection, or of a check, that the policy does not allow.
type Refusal struct {
	Host string     // as the caller wrote it; empty for a unix socket
	Addr netip.Addr // the address of Host; not valid if Host was refused without a lookup
	Port uint16     // 0: not known
	Path string     // the unix socket; empty otherwise
	Why  string     // what was refused: "a loopback address"
}

// Error says which host was refused, its address, and what kind of address that is.
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

// Line returns the line that allows the connection when the operator adds it to the host file.
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

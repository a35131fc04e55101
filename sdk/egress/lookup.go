package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// MaxAddresses is how many addresses of one name a Dialer uses at most.
	MaxAddresses = 32
	// maxAdmitted is how many addresses of allowed names a Dialer stores.
	maxAdmitted = 256
	// interfacesEvery is how long localAddresses uses its stored list of addresses.
	interfacesEvery = 10 * time.Second
)

// Resolver looks up the addresses of names. *net.Resolver implements it.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// LookupHost looks up a name and returns its allowed addresses, in the form of pgx's LookupFunc.
// The caller may then pass each address to DialContext. If the policy allows none of the addresses,
// LookupHost returns the *[Refusal] of the first address.
func (d *Dialer) LookupHost(ctx context.Context, host string) ([]string, error) {
	if d == nil {
		d = unrestricted
	}
	addrs, err := d.Resolve(ctx, host, 0)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String()
	}
	return out, nil
}

// CheckLiteral checks a host without a lookup. It refuses an IP address in any spelling, the path
// of a unix socket, localhost and the names below localhost, if the policy does not allow them. It
// accepts every other name, because Resolve checks the name's addresses. Port 0 means that the port
// is unknown. The error is a *[Refusal].
func (d *Dialer) CheckLiteral(host string, port uint16) error {
	if d == nil || !d.policy.Restricts() {
		return nil
	}
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") {
		if refused := d.policy.checkPath(host); refused != nil {
			return refused
		}
		return nil
	}
	if addr, ok := literal(host); ok {
		if refused := d.judge(host, addr, port); refused != nil {
			return refused
		}
		return nil
	}
	name := canonical(host)
	if (name == "localhost" || strings.HasSuffix(name, ".localhost")) && len(d.policy.named(name, port)) == 0 &&
		!d.policy.lists(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port) && !d.policy.lists(netip.IPv6Loopback(), port) {
		return &Refusal{Host: host, Port: port, Why: "this machine"}
	}
	return nil
}

// literal parses a host that is an IP address in any spelling, and reports whether it is.
func literal(host string) (netip.Addr, bool) {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr, true
	}
	return oddIPv4(host)
}

// Resolve looks up a host and returns its allowed addresses, at most [MaxAddresses]. If the host
// has addresses and the policy allows none of them, Resolve returns the *[Refusal] of the first
// address. Port 0 means that the port is unknown.
func (d *Dialer) Resolve(ctx context.Context, host string, port uint16) ([]netip.Addr, error) {
	if d == nil {
		d = unrestricted
	}
	if err := d.CheckLiteral(host, port); err != nil {
		return nil, err
	}
	if addr, ok := literal(host); ok {
		return []netip.Addr{addr.Unmap()}, nil
	}
	found, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	found = found[:min(len(found), MaxAddresses)]
	allowed := d.policy.named(canonical(host), port)
	var out []netip.Addr
	var refused *Refusal
	for _, addr := range found {
		addr = addr.Unmap()
		if len(allowed) == 0 {
			if r := d.judge(host, addr, port); r != nil {
				if refused == nil {
					refused = r
				}
				continue
			}
		}
		out = append(out, addr)
	}
	if len(out) == 0 && refused != nil {
		return nil, refused
	}
	if len(out) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	d.admit(out, allowed)
	return out, nil
}

// judge returns a Refusal if the address is not allowed. An address is allowed if the policy allows
// it, or if admit stored it. A public address of this machine counts as private.
func (d *Dialer) judge(host string, addr netip.Addr, port uint16) *Refusal {
	refused := d.policy.checkAddr(host, addr, port)
	if refused == nil {
		if d.policy.Restricts() && !d.policy.lists(addr.Unmap(), port) && slices.Contains(d.local(), addr.Unmap()) {
			refused = &Refusal{Host: host, Addr: addr.Unmap(), Port: port, Why: "an address of this machine"}
		} else {
			return nil
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range [...]uint16{0, port} {
		if _, ok := d.admitted[netip.AddrPortFrom(addr.Unmap(), p)]; ok && addr.Zone() == "" {
			return nil
		}
	}
	return refused
}

// admit stores the addresses of a name on the policy's list. A caller that looked up the name may
// then connect to one of the addresses without the name.
func (d *Dialer) admit(addrs []netip.Addr, ports []uint16) {
	if len(ports) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.admitted) >= maxAdmitted {
		clear(d.admitted) // the next lookup of a name stores its addresses again
	}
	for _, addr := range addrs {
		for _, port := range ports {
			d.admitted[netip.AddrPortFrom(addr, port)] = struct{}{}
		}
	}
}

var interfaces struct {
	sync.Mutex
	addrs []netip.Addr
	at    time.Time
}

// localAddresses returns the addresses of this machine. The list is at most interfacesEvery old.
func localAddresses() []netip.Addr {
	interfaces.Lock()
	defer interfaces.Unlock()
	if !interfaces.at.IsZero() && time.Since(interfaces.at) < interfacesEvery {
		return interfaces.addrs
	}
	found, err := net.InterfaceAddrs()
	if err != nil {
		return interfaces.addrs
	}
	interfaces.at, interfaces.addrs = time.Now(), nil
	for _, f := range found {
		if n, ok := f.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				interfaces.addrs = append(interfaces.addrs, addr.Unmap())
			}
		}
	}
	return interfaces.addrs
}

package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// MaxAddresses is how many addresses of one name are looked at. More are left out.
	MaxAddresses = 32
	// fallbackDelay is how long the addresses of one family are tried alone, as RFC 8305
	// has it.
	fallbackDelay = 300 * time.Millisecond
	// keepAlive is the time between two probes of a connection that is idle.
	keepAlive = 15 * time.Second
	// maxAdmitted is how many addresses of allowed names a dialer remembers.
	maxAdmitted = 256
	// interfacesEvery is how long what is known of this machine's addresses counts.
	interfacesEvery = 10 * time.Second
)

// Resolver looks names up. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer makes connections that a policy allows. A nil Dialer allows every address. It may
// be used by any number of goroutines.
type Dialer struct {
	policy   Policy
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	local    func() []netip.Addr // addresses of this machine

	mu       sync.Mutex
	admitted map[netip.AddrPort]struct{} // of names that are allowed; port 0 is any
}

// Option changes a Dialer. It is for tests, and for who looks names up elsewhere.
type Option func(*Dialer)

// WithResolver has names looked up by r and not as the system does it.
func WithResolver(r Resolver) Option { return func(d *Dialer) { d.resolver = r } }

// WithDial has connections made by dial, which gets addresses and no names, and not by the
// system.
func WithDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return func(d *Dialer) { d.dial = dial }
}

// WithLocal has local give the addresses of this machine, and not the system.
func WithLocal(local func() []netip.Addr) Option { return func(d *Dialer) { d.local = local } }

// NewDialer makes a dialer that is held to the policy.
func NewDialer(p Policy, options ...Option) *Dialer {
	d := &Dialer{policy: p, resolver: net.DefaultResolver, dial: system(p).DialContext, local: localAddresses, admitted: map[netip.AddrPort]struct{}{}}
	for _, o := range options {
		o(d)
	}
	return d
}

// Policy is what the dialer is held to.
func (d *Dialer) Policy() Policy {
	if d == nil {
		return Policy{}
	}
	return d.policy
}

// unrestricted connects where there is no rule.
var unrestricted = NewDialer(Policy{})

// judgedKey is the context's key of the address that was judged.
type judgedKey struct{}

// system makes the system's connections. As a second wall the address is compared at the
// moment of connecting with the one that was judged.
func system(p Policy) *net.Dialer {
	d := &net.Dialer{KeepAlive: keepAlive}
	if p.Restricts() {
		d.ControlContext = func(ctx context.Context, network, address string, _ syscall.RawConn) error {
			if judged, _ := ctx.Value(judgedKey{}).(string); judged == "" || judged != address {
				return &Refusal{Host: address, Why: "not what was judged"}
			}
			return nil
		}
	}
	return d
}

// DialContext connects to an address, as the method of net.Dialer does, by TCP or to a unix
// socket. What the policy refuses is a *[Refusal].
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d == nil {
		d = unrestricted
	}
	if !d.policy.Restricts() {
		return d.dial(ctx, network, address)
	}
	switch network {
	case "unix":
		if refused := d.policy.checkPath(address); refused != nil {
			return nil, refused
		}
		return d.dial(context.WithValue(ctx, judgedKey{}, address), network, address)
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &Refusal{Host: address, Why: "of the network " + network}
	}
	host, port, err := splitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := d.Resolve(ctx, host, port)
	if err != nil {
		return nil, err
	}
	if network != "tcp" {
		addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return a.Is4() != (network == "tcp4") })
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no address of the family", Name: host, IsNotFound: true}
	}
	return d.dialFirst(ctx, addrs, port)
}

func splitHostPort(address string) (string, uint16, error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, &net.AddrError{Err: "expected a port from 0 to 65535", Addr: address}
	}
	return host, uint16(port), nil
}

// LookupHost gives the addresses of a name that may be connected to, as pgx's LookupFunc
// wants them. Each may then be given to DialContext. If all are refused that is the error.
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

// CheckLiteral judges a host without looking anything up: an address in any spelling, a name
// that is this machine's everywhere, or the path of a unix socket. Other names pass; they
// are judged when they are looked up. Port 0 is one that is not known. What is refused is
// a *[Refusal].
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

// literal reads a host that is an address.
func literal(host string) (netip.Addr, bool) {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr, true
	}
	return oddIPv4(host)
}

// Resolve gives the addresses of a host that may be connected to, at most [MaxAddresses].
// If there are some, and all are refused, the error is the *[Refusal] of the first. Port
// 0 is one that is not known.
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

// judge is the policy's judgement, and whether the address was admitted as that of a name.
// An address of this machine is no public one, whatever it looks like.
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

// admit remembers addresses of an allowed name for who connects to them by themselves.
func (d *Dialer) admit(addrs []netip.Addr, ports []uint16) {
	if len(ports) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.admitted) >= maxAdmitted {
		clear(d.admitted) // who looks the name up again is admitted again
	}
	for _, addr := range addrs {
		for _, port := range ports {
			d.admitted[netip.AddrPortFrom(addr, port)] = struct{}{}
		}
	}
}

// dialFirst connects to one of the addresses, all of which were judged. Those of the first
// one's family are tried first, one after the other; the others join them soon.
func (d *Dialer) dialFirst(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	var first, second []netip.Addr
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	if len(second) == 0 {
		return d.dialEach(ctx, first, port)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		conn net.Conn
		err  error
	}
	outcomes := make(chan outcome, 2)
	start := func(list []netip.Addr) {
		go func() {
			conn, err := d.dialEach(ctx, list, port)
			outcomes <- outcome{conn, err}
		}()
	}
	start(first)
	wait := time.NewTimer(fallbackDelay)
	defer wait.Stop()
	running, started := 1, false
	var failed error
	for running > 0 {
		select {
		case <-wait.C:
		case o := <-outcomes:
			running--
			if o.err == nil {
				if running > 0 {
					go func() { // the other is cancelled, or comes too late
						if late := <-outcomes; late.conn != nil {
							_ = late.conn.Close()
						}
					}()
				}
				return o.conn, nil
			}
			if failed == nil {
				failed = o.err
			}
		}
		if !started {
			started = true
			running++
			start(second)
		}
	}
	return nil, failed
}

// dialEach tries the addresses one after the other, and leaves each a share of the time.
func (d *Dialer) dialEach(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	var failed error
	for i, addr := range addrs {
		address := netip.AddrPortFrom(addr, port).String()
		one, cancel := context.WithValue(ctx, judgedKey{}, address), context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			share := time.Until(deadline) / time.Duration(len(addrs)-i)
			one, cancel = context.WithTimeout(one, share)
		}
		conn, err := d.dial(one, "tcp", address)
		cancel()
		if err == nil {
			return conn, nil
		}
		if failed == nil {
			failed = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

var interfaces struct {
	sync.Mutex
	addrs []netip.Addr
	at    time.Time
}

// localAddresses gives the addresses of this machine as they were a moment ago.
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

// Of gives the refusal that an error is made of, or nil.
func Of(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// Words are a refusal as people read it, with what to do. Key is the setting that leads
// there.
func (r *Refusal) Words() string {
	return fmt.Sprintf("%s; the operator can allow it in the host file: %s", r.Error(), r.Line())
}

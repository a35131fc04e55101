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
	// MaxAddresses is how many addresses of one name a Dialer uses. It ignores the others.
	MaxAddresses = 32
	// fallbackDelay is how long the addresses of one family, IPv4 or IPv6, are tried before
	// the other family is tried too. RFC 8305 describes this.
	fallbackDelay = 300 * time.Millisecond
	// keepAlive is the time between two probes of a connection that is idle.
	keepAlive = 15 * time.Second
	// maxAdmitted is how many addresses of allowed names a dialer remembers.
	maxAdmitted = 256
	// interfacesEvery is how long the list of this machine's addresses is used before it is
	// read again.
	interfacesEvery = 10 * time.Second
)

// Resolver looks names up. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer makes the connections that a policy allows. A nil Dialer allows every address. Any
// number of goroutines may use one Dialer.
type Dialer struct {
	policy   Policy
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	local    func() []netip.Addr // addresses of this machine

	mu       sync.Mutex
	admitted map[netip.AddrPort]struct{} // addresses of names on the policy's list; port 0 is any
}

// Option changes a Dialer. It is for tests, and for programs with a Resolver of their own.
type Option func(*Dialer)

// WithResolver makes the Dialer look names up with r instead of the system's resolver.
func WithResolver(r Resolver) Option { return func(d *Dialer) { d.resolver = r } }

// WithDial makes the Dialer connect with dial. Under a policy that restricts, dial gets only
// addresses and paths of unix sockets, no names.
func WithDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return func(d *Dialer) { d.dial = dial }
}

// WithLocal makes the Dialer get this machine's addresses from local instead of the system.
func WithLocal(local func() []netip.Addr) Option { return func(d *Dialer) { d.local = local } }

// NewDialer returns a dialer that enforces the policy.
func NewDialer(p Policy, options ...Option) *Dialer {
	d := &Dialer{policy: p, resolver: net.DefaultResolver, dial: system(p).DialContext, local: localAddresses, admitted: map[netip.AddrPort]struct{}{}}
	for _, o := range options {
		o(d)
	}
	return d
}

// Policy returns the policy that the dialer enforces.
func (d *Dialer) Policy() Policy {
	if d == nil {
		return Policy{}
	}
	return d.policy
}

// unrestricted stands in for a nil Dialer.
var unrestricted = NewDialer(Policy{})

// judgedKey is the context key of the address that was checked.
type judgedKey struct{}

// system returns a dialer that connects by the system. As a second defence, it compares the
// address with the one that was checked immediately before it connects.
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

// DialContext connects by TCP or to a unix socket, like the method of net.Dialer. It returns a
// *[Refusal] if the policy does not allow the connection.
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

// LookupHost looks a name up and returns its allowed addresses, in the form of pgx's
// LookupFunc. The caller may then pass each of them to DialContext. If no address is allowed,
// it returns the *[Refusal] of the first.
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

// CheckLiteral checks a host without looking anything up: an address in any spelling, the name
// localhost and names below it, or the path of a unix socket. Other names pass, and are checked
// when they are looked up. Port 0 means that the port is not known. It returns a *[Refusal] if
// the policy does not allow the host.
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

// literal returns the address that the host is, and reports whether it is one.
func literal(host string) (netip.Addr, bool) {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr, true
	}
	return oddIPv4(host)
}

// Resolve looks a host up and returns its allowed addresses, at most [MaxAddresses]. If it has
// addresses and none is allowed, it returns the *[Refusal] of the first. Port 0 means that the
// port is not known.
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

// judge returns a Refusal if the address is not allowed. It is allowed if the policy allows it,
// or if it was admitted as an address of a name on the policy's list. This machine's own
// addresses do not count as public.
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

// admit remembers the addresses of a name on the policy's list. A caller that looked the name
// up may then connect to an address without the name.
func (d *Dialer) admit(addrs []netip.Addr, ports []uint16) {
	if len(ports) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.admitted) >= maxAdmitted {
		clear(d.admitted) // the next lookup of a name admits its addresses again
	}
	for _, addr := range addrs {
		for _, port := range ports {
			d.admitted[netip.AddrPortFrom(addr, port)] = struct{}{}
		}
	}
}

// dialFirst connects to one of the addresses. All of them were checked. It tries the family
// of the first address, IPv4 or IPv6, one address after the other. After fallbackDelay, or
// when that fails, it tries the other family too.
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
					go func() { // the other family is cancelled, or connects too late
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

// dialEach tries the addresses one after the other. Each gets an equal share of the time that
// is left until the deadline.
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

// localAddresses returns the addresses of this machine. They may be interfacesEvery old.
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

// Of returns the Refusal that the error is or wraps, or nil.
func Of(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// Words returns the refusal as a sentence for people, with what the operator can do.
func (r *Refusal) Words() string {
	return fmt.Sprintf("%s; the operator can allow it in the host file: %s", r.Error(), r.Line())
}

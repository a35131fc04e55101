package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// fallbackDelay is how long a Dialer tries the addresses of one family, IPv4 or IPv6, before it
	// tries the other family too, as RFC 8305 describes.
	fallbackDelay = 300 * time.Millisecond
	// keepAlive is the time between two TCP keep-alive probes of an idle connection.
	keepAlive = 15 * time.Second
)

// Dialer opens only connections that its policy allows. A nil Dialer allows every address. Any
// number of goroutines may use a Dialer.
type Dialer struct {
	policy   Policy
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	local    func() []netip.Addr // returns the addresses of this machine

	mu sync.Mutex
	// admitted has the addresses that lookups found for names on the policy's list. Port 0 means
	// any port.
	admitted map[netip.AddrPort]struct{}
}

// Option changes a Dialer. Tests use it, and programs with a Resolver of their own.
type Option func(*Dialer)

// WithResolver sets the Resolver of the Dialer. The default is the system's resolver.
func WithResolver(r Resolver) Option { return func(d *Dialer) { d.resolver = r } }

// WithDial sets the function that opens the connections of the Dialer. Under a policy that
// restricts, dial gets IP addresses and paths of unix sockets, but no names.
func WithDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return func(d *Dialer) { d.dial = dial }
}

// WithLocal sets the function that returns the addresses of this machine. The default asks the
// system.
func WithLocal(local func() []netip.Addr) Option { return func(d *Dialer) { d.local = local } }

// NewDialer returns a Dialer that enforces the policy.
func NewDialer(p Policy, options ...Option) *Dialer {
	d := &Dialer{policy: p, resolver: net.DefaultResolver, dial: system(p).DialContext, local: localAddresses, admitted: map[netip.AddrPort]struct{}{}}
	for _, o := range options {
		o(d)
	}
	return d
}

// Policy returns the policy of the Dialer.
func (d *Dialer) Policy() Policy {
	if d == nil {
		return Policy{}
	}
	return d.policy
}

// unrestricted is used instead of a nil Dialer.
var unrestricted = NewDialer(Policy{})

// judgedKey is the context key of the address that the policy allowed.
type judgedKey struct{}

// system returns a net.Dialer for the policy. As a second defense, the net.Dialer refuses every
// address except the address that the context has under judgedKey.
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

// DialContext connects by TCP or to a unix socket, like DialContext of net.Dialer. It returns a
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

// dialFirst connects to one of the addresses, which the policy has allowed. It first tries all
// addresses of the same family, IPv4 or IPv6, as the first address. After fallbackDelay, or when
// all of them failed, it tries the other family too.
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
					go func() { // the slower family is canceled, or its connection is closed
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

// dialEach tries the addresses one after the other. It divides the time until the deadline equally
// among the addresses.
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

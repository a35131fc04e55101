package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func itoa(n uint16) string { return strconv.Itoa(int(n)) }

// names is a resolver for tests. Each lookup of a name returns the next of the name's lists of
// addresses. Further lookups return the last list again.
type names struct {
	mu sync.Mutex
	of map[string][][]string
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists := n.of[strings.TrimSuffix(host, ".")]
	if len(lists) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(lists) > 1 {
		n.of[host] = lists[1:]
	}
	var out []netip.Addr
	for _, a := range lists[0] {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

var errDialed = errors.New("dialed, and went nowhere")

// world is a Dialer that records the addresses it dials and opens no connections.
type world struct {
	*Dialer
	mu     sync.Mutex
	dialed []string
}

func newWorld(p Policy, of map[string][][]string) *world {
	w := &world{}
	w.Dialer = NewDialer(p, WithResolver(&names{of: of}), WithLocal(func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("8.8.4.4")} }),
		WithDial(func(_ context.Context, network, address string) (net.Conn, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.dialed = append(w.dialed, network+" "+address)
			return nil, errDialed
		}))
	return w
}

func (w *world) try(t *testing.T, network, address string) (dialed []string, refused *Refusal) {
	t.Helper()
	_, err := w.DialContext(t.Context(), network, address)
	if err == nil {
		t.Fatal("connected to nowhere")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	dialed, w.dialed = w.dialed, nil
	slices.Sort(dialed)
	return dialed, Of(err)
}

func TestDialer_DialContext(t *testing.T) {
	of := map[string][][]string{
		"public": {{"8.8.8.8"}}, "private": {{"10.0.0.5"}}, "mixed": {{"10.0.0.5", "8.8.8.8", "::1", "2606:4700::1"}}, "mapped": {{"::ffff:127.0.0.1"}},
		"own": {{"8.8.4.4"}}, "metadata": {{"169.254.169.254"}}, "localhost": {{"127.0.0.1"}}, "db.internal": {{"10.0.0.7"}}, "DB.Internal": {{"10.0.0.7"}},
	}
	w := newWorld(policy(t, Public, "db.internal:5432", "10.0.0.9", "/run/pg"), of)
	for _, c := range []struct {
		network, address string
		// want is the address that is dialed. An empty want means that the connection is refused.
		want string
	}{
		{"tcp", "public:443", "tcp 8.8.8.8:443"},
		{"tcp", "public.:443", "tcp 8.8.8.8:443"},
		{"tcp", "8.8.8.8:443", "tcp 8.8.8.8:443"},
		{"tcp", "mixed:443", "tcp 8.8.8.8:443 tcp [2606:4700::1]:443"},
		{"tcp4", "mixed:443", "tcp 8.8.8.8:443"},
		{"tcp6", "mixed:443", "tcp [2606:4700::1]:443"},
		{"tcp", "10.0.0.9:1", "tcp 10.0.0.9:1"},
		{"tcp", "db.internal:5432", "tcp 10.0.0.7:5432"},
		{"tcp", "DB.Internal.:5432", "tcp 10.0.0.7:5432"},
		{"unix", "/run/pg/.s.PGSQL.5432", "unix /run/pg/.s.PGSQL.5432"},
		{"tcp", "db.internal:22", ""},
		{"tcp", "private:443", ""},
		{"tcp", "mapped:443", ""},
		{"tcp", "own:443", ""},
		{"tcp", "8.8.4.4:443", ""},
		{"tcp", "metadata:80", ""},
		{"tcp", "localhost:80", ""},
		{"tcp", "a.localhost:80", ""},
		{"tcp", "127.1:80", ""},
		{"tcp", "0x7f.1:80", ""},
		{"tcp", "2130706433:80", ""},
		{"tcp", "017700000001:80", ""},
		{"tcp", "127.0.0.1.:80", ""},
		{"tcp", "[::1]:80", ""},
		{"tcp", "[fe80::1%lo]:80", ""},
		{"tcp", "[::ffff:127.0.0.1]:80", ""},
		{"unix", "/run/docker.sock", ""},
		{"unix", "/run/pg/../docker.sock", ""},
		{"udp", "8.8.8.8:53", ""},
		{"unixgram", "/run/pg/x", ""},
	} {
		t.Run(c.network+" "+c.address, func(t *testing.T) {
			dialed, refused := w.try(t, c.network, c.address)
			if got := strings.Join(dialed, " "); got != c.want || (refused != nil) != (c.want == "") {
				t.Errorf("dialed %q, refused with %v; want %q", got, refused, c.want)
			}
			if refused != nil && !strings.Contains(refused.Words(), "egress { allow = [") {
				t.Errorf("%s has no line for the host file", refused.Words())
			}
		})
	}
	// A resolver's error and a malformed address are not a Refusal.
	for _, address := range []string{"nowhere:80", "public", "public:http", "public:99999"} {
		t.Run(address, func(t *testing.T) {
			if dialed, refused := w.try(t, "tcp", address); dialed != nil || refused != nil {
				t.Errorf("dialed %v, refused with %v", dialed, refused)
			}
		})
	}
}

// TestDialer_Rebinding checks that the Dialer checks a name's addresses at each lookup, and that it
// dials the addresses that it checked.
func TestDialer_Rebinding(t *testing.T) {
	w := newWorld(policy(t, Public), map[string][][]string{"rebind": {{"8.8.8.8"}, {"127.0.0.1"}, {"8.8.8.8"}, {"10.0.0.1"}}})
	for i, want := range []string{"tcp 8.8.8.8:80", "", "tcp 8.8.8.8:80", "", ""} {
		dialed, refused := w.try(t, "tcp", "rebind:80")
		if got := strings.Join(dialed, " "); got != want || (refused != nil) != (want == "") {
			t.Errorf("look %d dialed %q, refused %v; want %q", i, got, refused, want)
		}
	}
}

// TestDialer_LookupHost checks that the policy applies to a caller that looks up a name and dials
// later. The caller may dial the addresses of an allowed name, at the allowed port only.
func TestDialer_LookupHost(t *testing.T) {
	w := newWorld(policy(t, Public, "db.internal:5432"), map[string][][]string{"db.internal": {{"10.0.0.7", "10.0.0.8"}}, "private": {{"10.0.0.5"}}})
	if dialed, refused := w.try(t, "tcp", "10.0.0.7:5432"); refused == nil {
		t.Errorf("before the look: %v", dialed)
	}
	got, err := w.LookupHost(t.Context(), "db.internal")
	if err != nil || strings.Join(got, " ") != "10.0.0.7 10.0.0.8" {
		t.Fatal(got, err)
	}
	if dialed, refused := w.try(t, "tcp", "10.0.0.8:5432"); refused != nil {
		t.Errorf("after the look: %v %v", dialed, refused)
	}
	if _, refused := w.try(t, "tcp", "10.0.0.8:22"); refused == nil {
		t.Error("another port was let through")
	}
	if _, err := w.LookupHost(t.Context(), "private"); Of(err) == nil {
		t.Error(err)
	}
	if _, refused := w.try(t, "tcp", "10.0.0.5:5432"); refused == nil {
		t.Error("the address of a name that is not allowed was let through")
	}
}

// TestDialer_ManyAddresses checks that a Dialer uses MaxAddresses addresses of a name that has
// more.
// beyond: addresses of a name
func TestDialer_ManyAddresses(t *testing.T) {
	var all []string
	for i := range 250 {
		all = append(all, "8.8.8."+strconv.Itoa(i))
	}
	w := newWorld(policy(t, Public), map[string][][]string{"many": {all}})
	if dialed, _ := w.try(t, "tcp", "many:80"); len(dialed) != MaxAddresses {
		t.Errorf("%d were dialed, want %d", len(dialed), MaxAddresses)
	}
}

// TestDialer_CheckLiteral checks which hosts are refused without a lookup.
func TestDialer_CheckLiteral(t *testing.T) {
	w := newWorld(policy(t, Public, "10.0.0.9:5432"), nil)
	for host, refused := range map[string]bool{
		"127.0.0.1": true, "127.1": true, "[::1]": true, "localhost": true, "LOCALHOST.": true, "x.localhost": true, "/run/x": true, "@x": true, "10.0.0.8": true,
		"10.0.0.9": false, "8.8.8.8": false, "example.org": false, "private.internal": false, "": false,
	} {
		t.Run(host, func(t *testing.T) {
			if err := w.CheckLiteral(host, 0); (err != nil) != refused {
				t.Errorf("%v; want it refused: %t", err, refused)
			}
		})
	}
	if err := (*Dialer)(nil).CheckLiteral("127.0.0.1", 1); err != nil {
		t.Error(err)
	}
}

// TestDialer_System connects to a listener on this machine whose address the policies allow. It
// then checks that the net.Dialer of system refuses an address that no policy has allowed.
func TestDialer_System(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, d := range []*Dialer{nil, NewDialer(Policy{}), NewDialer(policy(t, Public, "127.0.0.1")), NewDialer(policy(t, None, l.Addr().String()))} {
		c, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatalf("%v: %v", d.Policy(), err)
		}
		c.Close()
	}
	if c, err := NewDialer(policy(t, Public)).DialContext(t.Context(), "tcp", l.Addr().String()); Of(err) == nil {
		t.Errorf("%v %v", c, err)
	}
	// The net.Dialer refuses the address, because the context does not contain it.
	if c, err := system(policy(t, Public)).DialContext(t.Context(), "tcp", l.Addr().String()); Of(err) == nil {
		t.Errorf("past the judgement: %v %v", c, err)
	}
}

// TestDialer_Families checks that the Dialer tries the second address family when the first family
// does not respond, and that DialContext returns the connection of the second family.
func TestDialer_Families(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	d := NewDialer(policy(t, Public), WithResolver(&names{of: map[string][][]string{"both": {{"2606:4700::1", "8.8.8.8"}}}}), WithLocal(func() []netip.Addr { return nil }),
		WithDial(func(ctx context.Context, _, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "[") { // this address never responds
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return here, nil
		}))
	c, err := d.DialContext(t.Context(), "tcp", "both:80")
	if err != nil || c != here {
		t.Fatal(c, err)
	}
	c.Close()
}

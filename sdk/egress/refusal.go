package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Refusal is the error for a host or a connection that the policy does not allow.
type Refusal struct {
	Host string     // the host as the caller wrote it; empty for a unix socket
	Addr netip.Addr // the address of Host; invalid if Host was refused without a lookup
	Port uint16     // 0 means unknown
	Path string     // the path of the unix socket; empty for a host
	Why  string     // what Host or Path is, such as "a loopback address"
}

// Error returns a sentence with the refused host, its address, and the kind of that address.
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

// Line returns the line of the host file with which the operator can allow the connection.
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

// Of returns the Refusal in the chain of err, or nil.
func Of(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// Words returns the refusal as a sentence that also says how the operator can allow the connection.
func (r *Refusal) Words() string {
	return fmt.Sprintf("%s; the operator can allow it in the host file: %s", r.Error(), r.Line())
}

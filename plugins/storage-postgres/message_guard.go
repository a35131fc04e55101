package pgstore

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// rowOverhead is the number of bytes that the budget counts for each message in addition to its
	// length.
	rowOverhead = 256
	// maxLoginMessages is the maximum number of messages about the login. A SCRAM exchange has
	// three. pgx would begin another exchange as often as the server asks for it.
	maxLoginMessages = 8
	// maxUnaskedReady is how often a server may send "ready for query" without a query from the
	// driver.
	maxUnaskedReady = 64
)

// connUse says whether a connection is for calls or for notifications.
type connUse int

const (
	forCalls connUse = iota
	forNotifications
)

// messageGuard checks the messages of a server before the driver reads them. The driver itself
// would allocate as many bytes as a message announces, would store some messages as long as the
// connection is open, and would compute as many password iterations as the server asks for. A
// messageGuard belongs to one connection, and one goroutine at a time reads from the connection.
type messageGuard struct {
	mu       sync.Mutex // Read does not hold mu while it waits for the server
	released bool
	exceeded error // the fault for the first bound that the server has exceeded

	r     io.Reader
	conn  *trackedConn
	meter *budget.Meter
	use   connUse

	header    []byte // the bytes of the next message's header that were read so far
	kind      byte   // kind of the current message
	remaining int64  // number of bytes of the current message's body that were not read yet
	// body has the bytes of the current message's body that were read so far. It is only set for
	// the kinds that checkBody reads.
	body []byte

	loggedIn   bool
	loginBytes int64
	logins     int
	scram      bool // a SCRAM exchange has begun
	// asides is the number of notices, settings and notifications since the last "ready for query".
	asides        int
	notifications int // number of notifications since the connection was opened
	settings      map[string]bool
	readies       int   // number of "ready for query" messages since the driver's last write
	written       int64 // the connection's count of writes at the last "ready for query"
}

// guardFrontends returns a function that builds the driver's frontend for a connection. The
// frontend reads through a messageGuard. The bytes that it reads count against share until the
// server is ready for a query again or the connection is closed. The connection must be a
// [trackedConn], or TLS over a [trackedConn].
func guardFrontends(share *budget.Share, use connUse) func(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		g := &messageGuard{
			r: r, conn: &trackedConn{}, meter: budget.NewMeter(share, sdk.UpstreamFreeBytes), use: use,
			header: make([]byte, 0, 5), settings: map[string]bool{},
		}
		conn := w
		if secured, ok := w.(*tls.Conn); ok {
			conn = secured.NetConn()
		}
		if c, ok := conn.(*trackedConn); ok {
			g.conn = c
			c.onClose(g.release)
		}
		return pgproto3.NewFrontend(g, w)
	}
}

// Read implements [io.Reader]. After the server has exceeded a bound, every Read returns the fault.
func (g *messageGuard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exceeded == nil && g.released {
		return 0, net.ErrClosed
	}
	if g.exceeded == nil {
		if g.exceeded = g.scan(p[:n]); g.exceeded != nil {
			g.meter.Reset()
			g.conn.exceeded.Store(&g.exceeded)
		}
	}
	if g.exceeded != nil { // all later reads return the fault too
		return 0, g.exceeded
	}
	return n, err
}

// release returns the bytes of the connection to the budget. Every later Read fails.
func (g *messageGuard) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released = true
	g.meter.Reset()
}

// scan splits the bytes p into messages and checks each message.
func (g *messageGuard) scan(p []byte) error {
	for len(p) > 0 {
		if g.remaining == 0 {
			n := min(len(p), 5-len(g.header))
			g.header = append(g.header, p[:n]...)
			if p = p[n:]; len(g.header) < 5 {
				return nil
			}
			g.kind, g.remaining = g.header[0], int64(int32(binary.BigEndian.Uint32(g.header[1:])))-4
			g.header, g.body = g.header[:0], g.body[:0]
			if err := g.checkHeader(); err != nil {
				return err
			}
			if g.remaining > 0 {
				continue
			}
		}
		n := min(int64(len(p)), g.remaining)
		if g.kind == 'R' || g.kind == 'S' {
			g.body = append(g.body, p[:n]...)
		}
		p = p[n:]
		if g.remaining -= n; g.remaining == 0 {
			if err := g.checkBody(); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkHeader checks the kind and the size of a message.
func (g *messageGuard) checkHeader() error {
	limit := int64(sdk.MaxDatabaseMessageBytes)
	if g.kind == 'D' {
		limit = sdk.MaxUpstreamInstanceBytes
	}
	switch {
	case g.remaining < 0:
		return serverFault("sends what is no message")
	case g.remaining > limit:
		return serverFault("announces a message of %d bytes, more than the %d that one of its kind may have", g.remaining, limit)
	}
	if !g.loggedIn {
		if g.loginBytes += g.remaining + 5; g.loginBytes > sdk.MaxDatabaseLoginBytes {
			return serverFault("sends more than %d bytes before it lets anybody in", sdk.MaxDatabaseLoginBytes)
		}
		if g.kind == 'D' {
			return serverFault("sends rows before it lets anybody in")
		}
	}
	switch g.kind {
	case 'N', 'S', 'A':
		if g.kind == 'A' {
			g.notifications++
		}
		if g.kind == 'A' && g.use == forNotifications {
			// The connection is for notifications, and the driver does not store them.
			return nil
		}
		if g.asides++; g.asides > sdk.MaxDatabaseAsides || g.use == forCalls && g.notifications > sdk.MaxDatabaseAsides {
			return serverFault("sends notices, settings or notifications without end")
		}
	}
	// The driver allocates memory for the message when it reads the message, so the budget counts
	// the bytes now.
	if !g.meter.Add(g.remaining+rowOverhead, budget.Patience) {
		return serverFault("sends more than there is room for, beside what other databases send at this moment")
	}
	return nil
}

// checkBody checks the content of a message.
func (g *messageGuard) checkBody() error {
	switch g.kind {
	case 'Z':
		g.loggedIn, g.asides = true, 0
		g.meter.Reset()
		if written := g.conn.writes.Load(); written != g.written {
			g.written, g.readies = written, 0
		}
		if g.readies++; g.readies > maxUnaskedReady {
			return serverFault("says that it is ready without end")
		}
	case 'S':
		if name, _, _ := bytes.Cut(g.body, []byte{0}); !g.settings[string(name)] {
			if len(g.settings) >= sdk.MaxDatabaseSettings {
				return serverFault("reports more than %d settings", sdk.MaxDatabaseSettings)
			}
			g.settings[string(name)] = true
		}
	case 'R':
		return g.checkLogin()
	}
	return nil
}

// checkLogin checks a message about the login.
func (g *messageGuard) checkLogin() error {
	const saslContinue = 11
	if g.logins++; g.logins > maxLoginMessages {
		return serverFault("asks for the password without end")
	}
	if len(g.body) < 4 || binary.BigEndian.Uint32(g.body) != saslContinue {
		return nil
	}
	if g.scram {
		return serverFault("asks for the password a second time")
	}
	g.scram = true
	at := bytes.LastIndex(g.body, []byte(",i="))
	if at < 0 {
		return nil // the driver refuses such a message
	}
	n, err := strconv.ParseUint(string(g.body[at+3:]), 10, 64)
	if err == nil && n > sdk.MaxScramIterations || err != nil && len(g.body)-at > 20 {
		return serverFault("asks for more than %d SCRAM iterations to prove the password: set the server's scram_iterations to %d at most, then set the role's password again, or name another server", sdk.MaxScramIterations, sdk.MaxScramIterations)
	}
	return nil
}

// serverFault returns the fault for a server that exceeds a bound or violates the protocol. format
// continues a sentence that begins with "the database".
func serverFault(format string, args ...any) *fault.Error {
	f := fault.New(fault.ProviderFailed, format, args...)
	f.Message = "the database " + f.Message
	return f
}

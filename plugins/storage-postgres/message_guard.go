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
	// rowOverhead is the number of bytes that each message counts in addition to its own.
	rowOverhead = 256
	// maxLoginMessages is how many messages about the login a server may send. A SCRAM exchange
	// has three, and pgx would begin another exchange as often as the server asks.
	maxLoginMessages = 8
	// maxUnaskedReady is how often a server may report that it is ready without being asked
	// for anything.
	maxUnaskedReady = 64
)

// messageGuard checks a server's messages before the driver gets them. It is needed because the
// driver allocates as many bytes as a message announces, keeps some messages as long as the
// connection lives, and computes as many password iterations as the server asks. A
// messageGuard belongs to one connection, which one goroutine reads at a time.
type messageGuard struct {
	mu       sync.Mutex // released while it reads
	released bool
	exceeded error // the first bound that the server exceeded

	r         io.Reader
	conn      *trackedConn
	meter     *budget.Meter
	listening bool // the connection is for notifications

	header    []byte // the bytes read so far of the next message's header
	kind      byte   // kind of the message whose body is read next
	remaining int64  // bytes of that body that are not read yet
	body      []byte // the bytes read so far of that body; only for kinds that checkBody needs

	loggedIn      bool
	loginBytes    int64
	logins        int
	scram         bool // a SCRAM exchange has begun
	asides        int  // notices, settings and notifications since the server was ready last
	notifications int  // since the connection was opened
	settings      map[string]bool
	readies       int   // "ready for query" messages since the driver's last write
	written       int64 // the connection's count of writes when the server was ready last
}

// guardFrontends returns a function that makes the driver's frontend of a connection, with a
// messageGuard in it. What is read counts against the share until the connection is closed or
// the server is ready again. The connection is a [trackedConn], or TLS over one.
func guardFrontends(share *budget.Share, listening bool) func(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		g := &messageGuard{
			r: r, conn: &trackedConn{}, meter: budget.NewMeter(share, sdk.UpstreamFreeBytes), listening: listening,
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

// Read implements io.Reader. Once the server has exceeded a bound, the driver gets only errors.
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
	if g.exceeded != nil { // all later reads fail too
		return 0, g.exceeded
	}
	return n, err
}

// release gives back what the connection held.
func (g *messageGuard) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released = true
	g.meter.Reset()
}

// scan finds the messages in what was read, and checks each.
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

// checkHeader checks a message by its kind and size.
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
		if g.kind == 'A' && g.listening {
			return nil // the connection is for these; the driver keeps none
		}
		if g.asides++; g.asides > sdk.MaxDatabaseAsides || !g.listening && g.notifications > sdk.MaxDatabaseAsides {
			return serverFault("sends notices, settings or notifications without end")
		}
	}
	// The driver allocates the message next.
	if !g.meter.Add(g.remaining+rowOverhead, budget.Patience) {
		return serverFault("sends more than there is room for, beside what other databases send at this moment")
	}
	return nil
}

// checkBody checks a message by its content.
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
		return nil // the driver refuses it
	}
	n, err := strconv.ParseUint(string(g.body[at+3:]), 10, 64)
	if err == nil && n > sdk.MaxScramIterations || err != nil && len(g.body)-at > 20 {
		return serverFault("asks for more than %d iterations to prove the password", sdk.MaxScramIterations)
	}
	return nil
}

// serverFault returns the fault of a server that exceeds a bound or breaks the protocol.
func serverFault(format string, args ...any) *fault.Error {
	f := fault.New(fault.ProviderFailed, format, args...)
	f.Message = "the database " + f.Message
	return f
}

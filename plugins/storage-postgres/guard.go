package pgstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// rowOverhead is what a message counts beside its bytes.
	rowOverhead = 256
	// maxLogins is how many messages about the login a server may send: a SCRAM exchange has
	// three, and pgx would begin another one as often as it is told to.
	maxLogins = 8
	// maxReady is how often a server may say that it is ready without being asked for
	// anything.
	maxReady = 64
)

// guard reads a server's messages before the driver does, which makes room for each as it is
// announced, keeps some of them for as long as the connection lives, and computes what it
// is told to. A guard is of one connection, which one goroutine reads at a time.
type guard struct {
	mu       sync.Mutex // released while it reads
	released bool
	wrong    error // what was beyond a bound

	r         io.Reader
	conn      *closing
	meter     *budget.Meter
	listening bool // the connection is for notifications

	header []byte // of the next message, as far as it was read
	kind   byte   // of the message whose body comes
	left   int64  // of that body
	body   []byte // of it, where it is looked at

	begun    bool // the login is over
	startup  int64
	logins   int
	exchange bool // of SCRAM took place
	asides   int  // notices, settings and notifications since the server was ready last
	heard    int  // notifications, ever
	settings map[string]bool
	ready    int   // since the driver wrote last
	written  int64 // as of the last time that the server was ready
}

// frontends makes the driver's side of connections, which hold what they read of a share
// until they are closed. The connections are [closing] ones, perhaps with TLS in them.
func frontends(share *budget.Share, listening bool) func(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		g := &guard{
			r: r, conn: &closing{}, meter: budget.NewMeter(share, sdk.UpstreamFreeBytes), listening: listening,
			header: make([]byte, 0, 5), settings: map[string]bool{},
		}
		conn := w
		if secured, ok := w.(*tls.Conn); ok {
			conn = secured.NetConn()
		}
		if c, ok := conn.(*closing); ok {
			g.conn = c
			c.then(g.release)
		}
		return pgproto3.NewFrontend(g, w)
	}
}

// closing is a connection that says when it is closed, and counts what is written to it.
type closing struct {
	net.Conn
	writes atomic.Int64
	wrong  atomic.Pointer[error] // what the server sent beyond a bound
	mu     sync.Mutex
	closed bool
	ends   []func()
}

// Write implements net.Conn.
func (c *closing) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// closings makes such connections.
func closings(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &closing{Conn: c}, nil
	}
}

// whyEnded is err, or what the server sent beyond a bound: the driver may say only that the
// connection is closed.
func whyEnded(conn *pgconn.PgConn, err error) error {
	c := conn.Conn()
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	if ours, ok := c.(*closing); ok && err != nil {
		if wrong := ours.wrong.Load(); wrong != nil {
			return *wrong
		}
	}
	return err
}

// then has f called when the connection is closed.
func (c *closing) then(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		f()
		return
	}
	c.ends = append(c.ends, f)
}

// Close implements net.Conn.
func (c *closing) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, f := range c.ends {
		f()
	}
	c.ends = nil
	return err
}

// Read implements io.Reader. What is beyond a bound is not given to the driver.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wrong == nil && g.released {
		return 0, net.ErrClosed
	}
	if g.wrong == nil {
		if g.wrong = g.look(p[:n]); g.wrong != nil {
			g.meter.Reset()
			g.conn.wrong.Store(&g.wrong)
		}
	}
	if g.wrong != nil { // for each read that follows too
		return 0, g.wrong
	}
	return n, err
}

// release gives back what the connection held.
func (g *guard) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.released = true
	g.meter.Reset()
}

// look follows the messages in what was read.
func (g *guard) look(p []byte) error {
	for len(p) > 0 {
		if g.left == 0 {
			n := min(len(p), 5-len(g.header))
			g.header = append(g.header, p[:n]...)
			if p = p[n:]; len(g.header) < 5 {
				return nil
			}
			g.kind, g.left = g.header[0], int64(int32(binary.BigEndian.Uint32(g.header[1:])))-4
			g.header, g.body = g.header[:0], g.body[:0]
			if err := g.announced(); err != nil {
				return err
			}
			if g.left > 0 {
				continue
			}
		}
		n := min(int64(len(p)), g.left)
		if g.kind == 'R' || g.kind == 'S' {
			g.body = append(g.body, p[:n]...)
		}
		p = p[n:]
		if g.left -= n; g.left == 0 {
			if err := g.came(); err != nil {
				return err
			}
		}
	}
	return nil
}

// announced judges a message by its kind and size.
func (g *guard) announced() error {
	most := int64(sdk.MaxDatabaseMessageBytes)
	if g.kind == 'D' {
		most = sdk.MaxUpstreamInstanceBytes
	}
	switch {
	case g.left < 0:
		return tooMuch("sends what is no message")
	case g.left > most:
		return tooMuch("announces a message of %d bytes, more than the %d that one of its kind may have", g.left, most)
	}
	if !g.begun {
		if g.startup += g.left + 5; g.startup > sdk.MaxDatabaseLoginBytes {
			return tooMuch("sends more than %d bytes before it lets anybody in", sdk.MaxDatabaseLoginBytes)
		}
		if g.kind == 'D' {
			return tooMuch("sends rows before it lets anybody in")
		}
	}
	switch g.kind {
	case 'N', 'S', 'A':
		if g.kind == 'A' {
			g.heard++
		}
		if g.kind == 'A' && g.listening {
			return nil // these are what it is for, and each is taken by itself
		}
		if g.asides++; g.asides > sdk.MaxDatabaseAsides || !g.listening && g.heard > sdk.MaxDatabaseAsides {
			return tooMuch("sends notices, settings or notifications without end")
		}
	}
	// The driver makes room now. Notices and the like it does not keep.
	if !g.meter.Add(g.left+rowOverhead, budget.Patience) {
		return tooMuch("sends more than there is room for, beside what other databases send at this moment")
	}
	return nil
}

// came judges a message by what is in it.
func (g *guard) came() error {
	switch g.kind {
	case 'Z':
		g.begun, g.asides = true, 0
		g.meter.Reset()
		if written := g.conn.writes.Load(); written != g.written {
			g.written, g.ready = written, 0
		}
		if g.ready++; g.ready > maxReady {
			return tooMuch("says that it is ready without end")
		}
	case 'S':
		if name, _, _ := bytes.Cut(g.body, []byte{0}); !g.settings[string(name)] {
			if len(g.settings) >= sdk.MaxDatabaseSettings {
				return tooMuch("reports more than %d settings", sdk.MaxDatabaseSettings)
			}
			g.settings[string(name)] = true
		}
	case 'R':
		return g.login()
	}
	return nil
}

// login judges a message about the login.
func (g *guard) login() error {
	const saslContinue = 11
	if g.logins++; g.logins > maxLogins {
		return tooMuch("asks for the password without end")
	}
	if len(g.body) < 4 || binary.BigEndian.Uint32(g.body) != saslContinue {
		return nil
	}
	if g.exchange {
		return tooMuch("asks for the password a second time")
	}
	g.exchange = true
	at := bytes.LastIndex(g.body, []byte(",i="))
	if at < 0 {
		return nil // the driver's to refuse
	}
	n, err := strconv.ParseUint(string(g.body[at+3:]), 10, 64)
	if err == nil && n > sdk.MaxScramIterations || err != nil && len(g.body)-at > 20 {
		return tooMuch("asks for more than %d iterations to prove the password", sdk.MaxScramIterations)
	}
	return nil
}

// tooMuch is the fault of a server that is beyond its bounds.
func tooMuch(format string, args ...any) *fault.Error {
	f := fault.New(fault.ProviderFailed, format, args...)
	f.Message = "the database " + f.Message
	return f
}

package pgstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
)

// hostile is a server that sends arbitrary bytes to each client.
type hostile struct {
	net.Listener
	sent atomic.Int64 // number of bytes that the client or the operating system has accepted
	ends sync.WaitGroup
}

// line is one connection of the hostile server.
type line struct {
	net.Conn
	h *hostile
}

type hungUp struct{}

func (l *line) say(text string) {
	n, err := io.WriteString(l.Conn, text)
	l.h.sent.Add(int64(n))
	if err != nil {
		panic(hungUp{})
	}
}

// forever sends the same text again and again until the client closes the connection.
func (l *line) forever(text string) {
	many := strings.Repeat(text, max(1, (64<<10)/len(text)))
	for {
		l.say(many)
	}
}

// silent sends nothing and waits until the client closes the connection.
func (l *line) silent() { _, _ = io.Copy(io.Discard, l.Conn) }

// hear reads at least one byte from the driver and returns the bytes.
func (l *line) hear() string {
	p := make([]byte, 64<<10)
	n, err := l.Conn.Read(p)
	if err != nil {
		panic(hungUp{})
	}
	return string(p[:n])
}

// message returns a message of the PostgreSQL protocol.
func message(kind byte, body string) string { return announce(kind, len(body)) + body }

// announce returns the header of a message whose body has size bytes.
func announce(kind byte, size int) string {
	return string(binary.BigEndian.AppendUint32([]byte{kind}, uint32(size+4)))
}

func number(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

var (
	welcome = message('R', number(0)) + message('S', "server_version\x0018.0\x00") + ready
	ready   = message('Z', "I")
	scram   = message('R', number(10)+"SCRAM-SHA-256\x00\x00")
	row     = message('D', "\x00\x01"+number(1000)+strings.Repeat("x", 1000))
	notice  = message('N', "SNOTICE\x00VNOTICE\x00C00000\x00Mhi\x00\x00")
)

func newHostile(t *testing.T, answer func(*line)) *hostile {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{Listener: listener}
	h.ends.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			h.ends.Go(func() {
				defer c.Close()
				defer func() {
					if p := recover(); p != nil && p != any(hungUp{}) {
						panic(p)
					}
				}()
				answer(&line{c, h})
			})
		}
	})
	t.Cleanup(func() { h.Close(); h.ends.Wait() })
	return h
}

// store opens a Store whose database is the hostile server. set may change the configuration.
func (h *hostile) store(t *testing.T, set func(*Config)) *Store {
	t.Helper()
	cfg := config("")
	cfg.Connection = Connection{Host: Hosts{h.Addr().String()}, User: "u", Password: "p"}
	cfg.TLS.Mode = "disable"
	cfg.ConnectTimeout = 120
	if set != nil {
		set(&cfg)
	}
	s, err := newStore(cfg, env(), migrations)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inAnswer returns a handler of connections. The handler accepts the login of the driver, and calls
// rest after it has read the first query.
func inAnswer(rest func(*line)) func(*line) {
	return func(l *line) {
		l.hear()
		l.say(welcome)
		l.hear()
		rest(l)
	}
}

// asking returns a handler of connections that requests a SCRAM proof with the given number of
// iterations.
func asking(iterations string) func(*line) {
	return func(l *line) {
		l.hear()
		l.say(scram)
		_, nonce, _ := strings.Cut(l.hear(), ",r=")
		l.say(message('R', number(11)+"r="+nonce+"x,s=c2FsdA==,i="+iterations))
		l.silent()
	}
}

// slack is the maximum number of bytes that the operating system buffers for a connection.
const slack = 16 << 20

// TestMessageGuard checks that a call returns a fault whatever the server sends. It also checks that
// the plugin reads only a bounded number of bytes.
//
// beyond: message of a database
// beyond: login of a database
// beyond: asides of a database
// beyond: settings of a database
// beyond: iterations of a login
// beyond: answers of an upstream
func TestMessageGuard(t *testing.T) {
	short := func(c *Config) { c.ConnectTimeout = 0.3 }
	for name, c := range map[string]struct {
		answer func(*line)
		set    func(*Config)
		said   string // a part of the fault's message
		// read is the maximum number of bytes that the driver may read.
		read int64
	}{
		"a gibibyte at once":        {func(l *line) { l.hear(); l.say(announce('E', 1<<30)); l.forever("x") }, nil, "announces", 0},
		"less than nothing":         {func(l *line) { l.hear(); l.say(announce('E', -9)); l.forever("x") }, nil, "no message", 0},
		"a gibibyte of a row":       {inAnswer(func(l *line) { l.say(announce('D', 1<<30)); l.forever("x") }), nil, "announces", 0},
		"a gibibyte of columns":     {inAnswer(func(l *line) { l.say(announce('T', 1<<30)); l.forever("x") }), nil, "announces", 0},
		"an error of mebibytes":     {inAnswer(func(l *line) { l.say(message('E', "M"+strings.Repeat("x", 4<<20)+"\x00\x00")); l.silent() }), nil, "announces", 0},
		"rows for a stranger":       {func(l *line) { l.hear(); l.forever(row) }, nil, "before it lets anybody in", 0},
		"notices for a stranger":    {func(l *line) { l.hear(); l.forever(notice) }, nil, "before it lets anybody in", sdk.MaxDatabaseLoginBytes},
		"silence":                   {func(l *line) { l.silent() }, short, "in time", 0},
		"a login in drips":          {func(l *line) { l.hear(); drip(l, message('R', number(0))+strings.Repeat(notice, 100)) }, short, "in time", 0},
		"no TLS in the end":         {func(l *line) { l.hear(); l.say("S"); l.silent() }, func(c *Config) { short(c); c.TLS.Mode = "require" }, "in time", 0},
		"notices without end":       {inAnswer(func(l *line) { l.forever(notice) }), nil, "without end", 4 << 20},
		"notifications without end": {inAnswer(func(l *line) { l.forever(message('A', number(1)+"c\x00p\x00")) }), nil, "without end", 4 << 20},
		"settings without end":      {inAnswer(func(l *line) { report(l) }), nil, "reports more than", 1 << 20},
		"a setting without end":     {inAnswer(func(l *line) { l.forever(message('S', "a\x00b\x00")) }), nil, "without end", 1 << 20},
		"rows without end":          {inAnswer(func(l *line) { l.say(message('T', "\x00\x00")); l.forever(row) }), nil, "room|in time", sdk.MaxUpstreamInstanceBytes},
		"small rows without end":    {inAnswer(func(l *line) { l.forever(message('D', "\x00\x00")) }), nil, "room|in time", sdk.MaxUpstreamInstanceBytes},
		"completions without end":   {inAnswer(func(l *line) { l.forever(message('C', "SELECT 1\x00")) }), nil, "room|in time", sdk.MaxUpstreamInstanceBytes},
		"no answer to a question":   {inAnswer(func(l *line) { l.say(message('T', "\x00\x00") + message('C', "SHOW\x00") + ready); l.silent() }), nil, "not asked", 0},
		"no row in an answer":       {inAnswer(func(l *line) { l.say(ready); l.silent() }), nil, "not asked", 0},
		"no column in a row": {inAnswer(func(l *line) {
			l.say(message('T', "\x00\x00") + message('D', "\x00\x00") + message('C', "SHOW\x00") + ready)
			l.silent()
		}), nil, "not asked", 0},
		"ready without end":        {inAnswer(func(l *line) { l.forever(ready) }), nil, "", 1 << 20},
		"the password without end": {func(l *line) { l.hear(); l.forever(message('R', number(3))) }, nil, "without end", 1 << 20},
		"two proofs": {func(l *line) {
			l.hear()
			l.say(scram)
			_, nonce, _ := strings.Cut(l.hear(), ",r=")
			proof := message('R', number(11)+"r="+nonce+"x,s=c2FsdA==,i=4096")
			l.say(proof + proof)
			l.silent()
		}, nil, "second time", 0},
		"iterations, 2^31":             {asking("2147483647"), nil, "iterations", 0},
		"iterations, one more":         {asking(fmt.Sprint(sdk.MaxScramIterations + 1)), nil, "more than 100000 SCRAM iterations to prove the password: set the server's scram_iterations", 0},
		"iterations, beyond 64 bits":   {asking("99999999999999999999999999"), nil, "iterations", 0},
		"iterations, with zeros first": {asking(strings.Repeat("0", 100) + "2147483647"), nil, "iterations", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHostile(t, c.answer)
			s := h.store(t, c.set)
			_, err := s.ready(t.Context())
			if err == nil {
				t.Fatal("it is a database")
			}
			f := fault.Of(s.fail(t.Context(), err))
			if f.Class != fault.ProviderFailed || !f.Retryable || !slices.ContainsFunc(strings.Split(c.said, "|"), func(said string) bool { return strings.Contains(f.Message, said) }) || len(f.Message) > 1000 {
				t.Errorf("%s %q; want it to say %q", f.Class, f.Message, c.said)
			}
			if e := s.cfg.configFault(err); e != nil {
				t.Errorf("it is blamed on the settings: %v", e)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if sent := h.sent.Load(); sent > c.read+slack {
				t.Errorf("%d bytes were taken, want %d at most", sent, c.read)
			}
		})
	}
	t.Cleanup(func() {
		if used := budget.Upstreams.Used(); used != 0 {
			t.Errorf("%d bytes are held after all", used)
		}
	})
}

// report sends a different setting each time.
func report(l *line) {
	for i := 0; ; i++ {
		l.say(message('S', fmt.Sprintf("setting_%d\x00x\x00", i)))
	}
}

// drip sends the text with a pause of 20 milliseconds before each byte.
func drip(l *line, text string) {
	closed := make(chan struct{})
	go func() { defer close(closed); l.silent() }()
	for _, c := range []byte(text) {
		select {
		case <-closed:
			panic(hungUp{})
		case <-time.After(20 * time.Millisecond):
			l.say(string([]byte{c}))
		}
	}
	<-closed
}

// TestMessageGuard_manyServers checks that the budget of the process holds while 50 servers send rows
// without end. It also checks that calls to another database succeed in the meantime.
//
// beyond: answers of all upstreams
func TestMessageGuard_manyServers(t *testing.T) {
	const hostiles = 50
	var begun sync.WaitGroup
	begun.Add(hostiles)
	hold := make(chan struct{})
	h := newHostile(t, inAnswer(func(l *line) {
		// All servers together send about 100 MiB before the other database is used.
		l.say(strings.Repeat(row, 2000))
		begun.Done()
		<-hold
		l.forever(row)
	}))
	var calls sync.WaitGroup
	for range hostiles {
		s := h.store(t, nil)
		calls.Go(func() {
			defer s.Close()
			_, err := s.pool.Acquire(t.Context()) // on a new connection the driver asks the server whether it accepts writes
			if f := (*fault.Error)(nil); !errors.As(err, &f) {
				t.Error(err)
			}
		})
	}
	neighbour := open(t, config(cluster(t).DSN(database(t))))
	heard := func() {
		here := call("t", unique())
		commit(t, neighbour, here, begin(t, neighbour, here))
		if used := budget.Upstreams.Used(); used > sdk.MaxUpstreamsBytes {
			t.Errorf("%d bytes are held", used)
		}
	}
	begun.Wait()
	heard()
	close(hold)
	heard()
	calls.Wait()
	heard()
}

package ollama

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// hostile is a server that responds to each request with the function of a test. The function can write as
// long as the client reads.
type hostile struct {
	url  string
	sent atomic.Int64 // bytes that the client or the kernel's buffers accepted
	ends sync.WaitGroup
}

// out is the response to one request. Its method say panics with hungUp when the client has closed the
// connection.
type out struct {
	net.Conn
	h *hostile
}

type hungUp struct{}

func (o *out) say(text string) {
	n, err := io.WriteString(o.Conn, text)
	o.h.sent.Add(int64(n))
	if err != nil {
		panic(hungUp{})
	}
}

// forever repeats the text until the client closes the connection.
func (o *out) forever(text string) {
	piece := strings.Repeat(text, max(1, (64<<10)/len(text)))
	for {
		o.say(piece)
	}
}

// silent waits until the client closes the connection.
func (o *out) silent() {
	_, _ = io.Copy(io.Discard, o.Conn)
}

const (
	streamed = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
	piece    = `{"model":"m","message":{"role":"assistant","content":"x"},"done":false}` + "\n"
	end      = `{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n"
)

func newHostile(t *testing.T, answer func(*out)) *hostile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{url: "http://" + l.Addr().String()}
	h.ends.Go(func() {
		for {
			c, err := l.Accept()
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
				if answer == nil { // without a function, the server does not even respond to a TLS handshake
					(&out{c, h}).silent()
					return
				}
				req, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				answer(&out{c, h})
			})
		}
	})
	t.Cleanup(func() { l.Close(); h.ends.Wait() })
	return h
}

// slack is how many bytes the kernel's buffers may accept in addition to the bytes that the plugin reads.
const slack = 16 << 20

// TestModel_hostileServer checks that each call to a hostile server returns, and that the plugin reads
// only a bounded part of the response.
//
// beyond: headers of an upstream
// beyond: error of an upstream
// beyond: line of an upstream
// beyond: nothing of an upstream
// beyond: reply of an upstream
func TestModel_hostileServer(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(make([]byte, 64<<20))
	_ = zip.Close()
	for name, c := range map[string]struct {
		answer func(*out)
		want   fault.Class // class of the error; 0 is success, -1 is a cut reply
		read   int64       // most bytes that the plugin may read
		embed  bool
	}{
		"headers without end":     {func(o *out) { o.say("HTTP/1.1 200 OK\r\n"); o.forever("X-A: b\r\n") }, fault.ProviderFailed, sdk.MaxUpstreamHeaderBytes, false},
		"a header without end":    {func(o *out) { o.say("HTTP/1.1 200 OK\r\nX: "); o.forever("x") }, fault.ProviderFailed, sdk.MaxUpstreamHeaderBytes, false},
		"a status without end":    {func(o *out) { o.say("HTTP/1.1 200 "); o.forever("x") }, fault.ProviderFailed, sdk.MaxUpstreamHeaderBytes, false},
		"early hints without end": {func(o *out) { o.forever("HTTP/1.1 103 Early Hints\r\n\r\n") }, fault.ProviderFailed, sdk.MaxUpstreamHeaderBytes, false},
		"no answer":               {func(o *out) { o.silent() }, fault.Deadline, 0, false},
		"an answer in drips":      {func(o *out) { o.say("HTTP/1.1 200 OK\r\n"); drip(o, "X-A: b\r\n") }, fault.Deadline, 1 << 10, false},
		"a reply in drips":        {func(o *out) { o.say(streamed); drip(o, `{"message":"`+strings.Repeat("x", 1<<20)) }, fault.Deadline, 1 << 10, false},
		"an error without end":    {func(o *out) { o.say("HTTP/1.1 500 No\r\nContent-Type: application/json\r\n\r\n"); o.forever("x") }, fault.ProviderFailed, sdk.MaxUpstreamErrorBytes, false},
		"an error in JSON": {func(o *out) {
			o.say("HTTP/1.1 400 No\r\nContent-Type: application/json\r\n\r\n{\"error\":\"")
			o.forever("x")
		}, fault.Invalid, sdk.MaxUpstreamErrorBytes, true},
		"a line without end":       {func(o *out) { o.say(streamed + `{"message":{"content":"`); o.forever("x") }, fault.ProviderFailed, sdk.MaxUpstreamLineBytes, false},
		"no JSON, without end":     {func(o *out) { o.say(streamed); o.forever("x") }, fault.ProviderFailed, sdk.MaxUpstreamLineBytes, false},
		"braces without end":       {func(o *out) { o.say(streamed); o.forever("{") }, fault.ProviderFailed, sdk.MaxUpstreamLineBytes, false},
		"blanks without end":       {func(o *out) { o.say(streamed); o.forever(" \n") }, fault.ProviderFailed, sdk.MaxUpstreamIdleBytes, false},
		"empty pieces without end": {func(o *out) { o.say(streamed); o.forever(`{"message":{}}` + "\n") }, fault.ProviderFailed, 1 << 20, false},
		"no end of the end":        {func(o *out) { o.say(streamed + piece); o.forever(end) }, 0, 1 << 20, false},
		"a reply without end":      {func(o *out) { o.say(streamed); o.forever(strings.Replace(piece, "x", strings.Repeat("x", 4<<10), 1)) }, -1, sdk.MaxReplyBytes * 2, false},
		"calls without end": {func(o *out) {
			o.say(streamed)
			o.forever(`{"message":{"tool_calls":[` + strings.Repeat(`{"function":{"name":"a","arguments":{}}},`, 99) + `{"function":{"name":"a","arguments":{}}}]}}` + "\n")
		}, -1, sdk.MaxReplyBytes, false},
		"embeddings without end": {func(o *out) {
			o.say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"embeddings\":[[")
			o.forever("0.1,")
		}, fault.ProviderFailed, sdk.MaxUpstreamErrorBytes + sdk.MaxUpstreamVectorBytes, true},
		"a bomb": {func(o *out) {
			o.say("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + bomb.String())
		}, fault.ProviderFailed, 1 << 20, false},
		"redirects without end": {func(o *out) { o.say("HTTP/1.1 307 There\r\nLocation: /api/chat\r\nContent-Length: 0\r\n\r\n") }, fault.Invalid, 1 << 10, false},
		"trailers without end": {func(o *out) {
			o.say("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n", len(piece+end), piece+end))
			o.forever("X-A: b\r\n")
		}, 0, sdk.MaxUpstreamHeaderBytes, false},
		"chunks of nothing": {func(o *out) {
			o.say("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
			o.forever("1;" + strings.Repeat("x", 1000) + "\r\n \r\n")
		}, fault.ProviderFailed, 64 << 20, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHostile(t, c.answer)
			timeout := 2 * time.Minute
			if c.want == fault.Deadline {
				timeout = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			m := open(t, Config{BaseURL: h.url, Model: "m"})
			var finish *llm.Finish
			var size int64
			var err error
			if c.embed {
				_, err = m.Embed(ctx, &llm.EmbedRequest{Texts: []string{"x"}})
			} else {
				finish, err = m.Chat(ctx, ask("Hi"), func(d llm.Delta) error { size += sizeOf(&d); return nil })
			}
			switch {
			case c.want == -1:
				if err != nil || finish.Reason != llm.FinishLength || size < sdk.MaxReplyBytes || size > 2*sdk.MaxReplyBytes {
					t.Errorf("%v %v after %d bytes; want the reply cut", finish, err, size)
				}
			case c.want == 0 && err != nil, c.want != 0 && (err == nil || fault.Of(err).Class != c.want && fault.Of(err).Class != fault.NotFound):
				t.Errorf("%v, want class %v", err, c.want)
			}
			if err != nil && len(err.Error()) > 5000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			m.transport.close()
			if sent := h.sent.Load(); sent > c.read+slack {
				t.Errorf("%d bytes were taken, want %d at most", sent, c.read)
			}
		})
	}
}

// drip writes the text one byte every 50 ms, and then waits until the client closes the connection.
func drip(o *out, text string) {
	closed := make(chan struct{})
	go func() { defer close(closed); o.silent() }()
	for _, c := range text {
		select {
		case <-closed:
			panic(hungUp{})
		case <-time.After(50 * time.Millisecond):
			o.say(string(c))
		}
	}
	<-closed
}

// TestModel_hostileTLS checks that a call to a server that does not respond to the TLS handshake returns
// at the caller's deadline.
func TestModel_hostileTLS(t *testing.T) {
	h := newHostile(t, nil)
	m := open(t, Config{BaseURL: strings.Replace(h.url, "http:", "https:", 1), Model: "m"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := talk(ctx, m, ask("Hi")); !fault.Is(err, fault.Deadline) {
		t.Error(err)
	}
	m.transport.close()
}

// TestModel_hostileServersTogether checks that a process has a bounded number of bytes of all responses in
// memory when many servers send large responses. A call to another server succeeds meanwhile.
//
// beyond: answers of all upstreams
// beyond: answers of an upstream
func TestModel_hostileServersTogether(t *testing.T) {
	const hostiles = 50
	var begun sync.WaitGroup
	begun.Add(hostiles)
	hold := make(chan struct{})
	h := newHostile(t, func(o *out) {
		o.say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"embeddings\":[[")
		for range 64 { // about 4 MiB from each server before the first call of the neighbour
			o.say(strings.Repeat("0.125000,", 7281))
		}
		begun.Done()
		<-hold
		o.forever("0.1,")
	})
	many := make([]string, 100) // vectors of 100 texts may have 19 MiB
	var calls sync.WaitGroup
	for range hostiles {
		m := open(t, Config{BaseURL: h.url, Model: "m"})
		calls.Go(func() {
			_, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: many})
			if !fault.Is(err, fault.ProviderFailed) {
				t.Error(err)
			}
			m.transport.close()
		})
	}
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text(strings.Repeat("a long piece ", 10_000)); l.done("stop") }
	neighbour := s.model(nil)
	heard := func() {
		if got, _, err := talk(t.Context(), neighbour, ask("Hi")); err != nil || len(texts(got)) < 130_000 {
			t.Errorf("the neighbour hears %d bytes, %v", len(texts(got)), err)
		}
	}
	begun.Wait()
	heard()
	close(hold)
	heard()
	if used := budget.Upstreams.Used(); used > sdk.MaxUpstreamsBytes {
		t.Errorf("%d bytes are held", used)
	}
	calls.Wait()
	heard()
	if used := budget.Upstreams.Used(); used != 0 {
		t.Errorf("%d bytes are held after all", used)
	}
}

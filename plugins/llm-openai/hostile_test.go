package openaillm

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
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

const (
	streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	jsonHead   = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
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

// cutReply stands for a class in the tests: the call succeeds, and the plugin cuts the reply.
const cutReply = fault.Class(-1)

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
	_, _ = zip.Write([]byte("data: "))
	_, _ = zip.Write(bytes.Repeat([]byte("x"), 64<<20))
	_ = zip.Close()
	chunk := func(delta string) string { return `data: {"choices":[{"index":0,"delta":` + delta + "}]}\n\n" }
	long := strings.Repeat("x", 4<<10)
	for name, c := range map[string]struct {
		answer func(*out)
		want   fault.Class
		read   int64 // most bytes that the plugin may read
		api    string
		embed  bool
	}{
		"headers without end":  {answer: func(o *out) { o.say("HTTP/1.1 200 OK\r\n"); o.forever("X-A: b\r\n") }, want: fault.ProviderFailed, read: sdk.MaxUpstreamHeaderBytes},
		"early hints":          {answer: func(o *out) { o.forever("HTTP/1.1 103 Early Hints\r\n\r\n") }, want: fault.ProviderFailed, read: sdk.MaxUpstreamHeaderBytes},
		"no answer":            {answer: func(o *out) { _, _ = io.Copy(io.Discard, o.Conn) }, want: fault.Deadline},
		"an error without end": {answer: func(o *out) { o.say("HTTP/1.1 500 No\r\n\r\n"); o.forever("x") }, want: fault.ProviderFailed, read: sdk.MaxUpstreamErrorBytes},
		"an error in JSON": {answer: func(o *out) {
			o.say("HTTP/1.1 400 No\r\nContent-Type: application/json\r\n\r\n{\"error\":{\"message\":\"")
			o.forever("x")
		}, want: fault.Invalid, read: sdk.MaxUpstreamErrorBytes},
		"JSON without end":   {answer: func(o *out) { o.say(jsonHead + `{"a":"`); o.forever("x") }, want: fault.ProviderFailed, read: sdk.MaxUpstreamErrorBytes},
		"a line without end": {answer: func(o *out) { o.say(streamHead + "data: "); o.forever("x") }, want: fault.ProviderFailed, read: sdk.MaxUpstreamLineBytes},
		"an event of lines":  {answer: func(o *out) { o.say(streamHead); o.forever("data: " + long + "\n") }, want: fault.ProviderFailed, read: 2 * sdk.MaxUpstreamLineBytes},
		"comments":           {answer: func(o *out) { o.say(streamHead); o.forever(": hi\n\n") }, want: fault.ProviderFailed, read: sdk.MaxUpstreamIdleBytes},
		"empty events":       {answer: func(o *out) { o.say(streamHead); o.forever("data: {}\n\n") }, want: fault.ProviderFailed, read: 1 << 20},
		"empty deltas":       {answer: func(o *out) { o.say(streamHead); o.forever(chunk(`{"content":""}`)) }, want: fault.ProviderFailed, read: 2 << 20},
		"ignored events":     {answer: func(o *out) { o.say(streamHead); o.forever(`data: {"type":"response.in_progress"}` + "\n\n") }, want: fault.ProviderFailed, read: 1 << 20, api: apiResponses},
		"a reply":            {answer: func(o *out) { o.say(streamHead); o.forever(chunk(`{"content":"` + long + `"}`)) }, want: cutReply, read: 2 * sdk.MaxReplyBytes},
		"a reply by responses": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(`data: {"type":"response.output_text.delta","delta":"` + long + `"}` + "\n\n")
		}, want: cutReply, read: 2 * sdk.MaxReplyBytes, api: apiResponses},
		"arguments": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"` + long + `"}}]}`))
		}, want: cutReply, read: 2 * sdk.MaxReplyBytes},
		"calls": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(chunk(`{"tool_calls":[` + strings.Repeat(`{"function":{"name":"f","arguments":"{}"}},`, 99) + `{"function":{"name":"f","arguments":"{}"}}]}`))
		}, want: cutReply, read: sdk.MaxReplyBytes},
		"calls by responses": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(`data: {"type":"response.output_item.done","item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}` + "\n\n")
		}, want: cutReply, read: sdk.MaxReplyBytes, api: apiResponses},
		"details": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(chunk(`{"reasoning_details":[{"type":"reasoning.text","text":"` + long + `"}]}`))
		}, want: cutReply, read: 2 * sdk.MaxReplyBytes},
		"citations": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(chunk(`{"annotations":[{"type":"url_citation","url_citation":{"url":"` + strings.Repeat(long, 16) + `","title":"t"}}]}`))
		}, want: cutReply, read: 2 * sdk.MaxReplyBytes},
		"calls of nothing": {answer: func(o *out) { o.say(streamHead); o.forever(chunk(`{"tool_calls":[{"index":0}]}`)) }, want: fault.ProviderFailed, read: 2 << 20},
		"a name": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(chunk(`{"tool_calls":[{"index":0,"function":{"name":"` + long + `"}},{"index":0,"function":{"name":"x"}}]}`))
		}, want: cutReply, read: 2 * sdk.MaxReplyBytes},
		"ids": {answer: func(o *out) {
			o.say(streamHead)
			o.forever(chunk(`{"tool_calls":[{"id":"` + long + `"}]}`))
		}, want: cutReply, read: 2 * sdk.MaxReplyBytes},
		"after the end": {answer: func(o *out) {
			o.say(streamHead + chunk(`{"content":"x"}`) + `data: {"choices":[{"finish_reason":"stop"}]}` + "\n\n")
			o.forever("data: {}\n\n")
		}, read: 64 << 20},
		"after the mark": {answer: func(o *out) {
			o.say(streamHead + `data: {"choices":[{"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n")
			o.forever("data: {}\n\n")
		}, read: 8 << 20},
		"a bomb": {answer: func(o *out) {
			o.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + bomb.String())
		}, want: fault.ProviderFailed, read: 1 << 20},
		"a redirect":  {answer: func(o *out) { o.say("HTTP/1.1 307 There\r\nLocation: /v1\r\nContent-Length: 0\r\n\r\n") }, want: fault.Invalid, read: 1 << 10},
		"embeddings":  {answer: func(o *out) { o.say(jsonHead + `{"data":[{"embedding":[`); o.forever("0.1,") }, want: fault.ProviderFailed, read: sdk.MaxUpstreamErrorBytes + sdk.MaxUpstreamVectorBytes, embed: true},
		"deep JSON":   {answer: func(o *out) { o.say(streamHead + "data: " + strings.Repeat("[", 1<<20) + "\n\n") }, want: fault.ProviderFailed, read: 2 << 20},
		"deep object": {answer: func(o *out) { o.say(streamHead + "data: " + strings.Repeat(`{"choices":`, 1<<18) + "\n\n") }, want: fault.ProviderFailed, read: 4 << 20},
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
			m := open(t, Config{BaseURL: h.url, Model: "m", API: c.api})
			var finish *llm.Finish
			var err error
			parts := 0
			if c.embed {
				_, err = m.Embed(ctx, &llm.EmbedRequest{Texts: []string{"x"}})
			} else {
				finish, err = m.Chat(ctx, ask("Hi"), func(llm.Delta) error { parts++; return nil })
			}
			switch {
			case c.want == cutReply:
				if err != nil || finish.Reason != llm.FinishLength {
					t.Errorf("%v %v; want the reply cut", finish, err)
				}
			case c.want == 0 && err != nil, c.want != 0 && (err == nil || fault.Of(err).Class != c.want):
				t.Errorf("%v, want class %v", err, c.want)
			}
			if err != nil && len(err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			if parts > sdk.MaxReplyParts {
				t.Errorf("%d parts", parts)
			}
			m.client.Close()
			if sent := h.sent.Load(); sent > c.read+slack {
				t.Errorf("%d bytes were taken, want %d at most", sent, c.read)
			}
		})
	}
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
		o.say(jsonHead + `{"data":[{"embedding":[`)
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
			m.client.Close()
		})
	}
	s := newServer(t)
	s.chat = func(w *stream, _ *chatRequest) { w.text(strings.Repeat("a long piece ", 10_000)) }
	neighbour := s.model(nil)
	heard := func() {
		if got, _, err := talk(t.Context(), neighbour, ask("Hi")); err != nil || len(got) != 1 || len(got[0].Text) < 130_000 {
			t.Errorf("the neighbour hears %d parts, %v", len(got), err)
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

package llm

import (
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/internal/wire"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
)

// CoalesceFor is how long a piece of a reply waits for more text, so that the plugin does not send
// a message for each token. The first piece never waits.
const CoalesceFor = 20 * time.Millisecond

// pieceBytes is the size of waiting text at which it is sent immediately. If the reader is slow,
// sending blocks, so that the provider waits and the pieces stay small.
const pieceBytes = 32 << 10

// maxPiece bounds the text of one piece, in bytes.
const maxPiece = 1 << 20

// errFull stops a generation whose reply has reached sdk.MaxReplyBytes.
var errFull = errors.New("the reply is as large as any may be")

// coalescer sends a reply in pieces. It sends the first piece at once. After that it sends the text
// that has collected after each CoalesceFor, or once the text reaches pieceBytes. A provider may
// cut its text anywhere, also within a character. The coalescer sends whole characters, cleaned as
// [chat.Clean] does.
type coalescer struct {
	send func(*llmv1.ChatResponse) error

	mu    sync.Mutex
	clean struct{ text, reasoning chat.Cleaner }
	// text, reasoning and calls wait to be sent.
	text      strings.Builder
	reasoning strings.Builder
	calls     []*chatv1.ToolCall
	waiting   int        // bytes of text, reasoning and calls
	left      int        // bytes that the reply may still have
	usage     chat.Usage // the newest usage, or zero if it was sent
	last      time.Time  // the time of the last send
	timer     *time.Timer
	armed     bool
	closed    bool
	err       error
}

func newCoalescer(send func(*llmv1.ChatResponse) error) *coalescer {
	return &coalescer{send: send, left: sdk.MaxReplyBytes}
}

func (c *coalescer) emit(d Delta) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if !d.Usage.IsZero() {
		c.usage = d.Usage
	}
	full := !c.add(d)
	if full || c.waiting >= pieceBytes {
		c.flush(nil)
		if full && c.err == nil {
			c.err = errFull
		}
	}
	if c.err != nil || c.waiting == 0 {
		return c.err
	}
	if c.armed {
		return nil
	}
	wait := CoalesceFor
	if c.last.IsZero() {
		wait = 0
	} else {
		wait -= time.Since(c.last)
	}
	if wait <= 0 {
		c.flush(nil)
		return c.err
	}
	c.armed = true
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.fire)
	} else {
		c.timer.Reset(wait)
	}
	return nil
}

// add appends d to the waiting texts and calls, up to the maximum size of a reply, and reports
// whether all of d fitted. It sends a large text in several pieces of at most maxPiece.
func (c *coalescer) add(d Delta) (all bool) {
	all = c.write(&c.reasoning, c.clean.reasoning.Next(d.Reasoning)) && c.write(&c.text, c.clean.text.Next(d.Text))
	for _, t := range d.ToolCalls {
		size := (&chat.Part{ToolCall: &t}).Size()
		if !all || size > c.left {
			return false
		}
		c.calls = append(c.calls, wire.ToolCall(t))
		c.waiting, c.left = c.waiting+size, c.left-size
	}
	return all
}

// write appends text, which must be clean, to b, which is the waiting text or reasoning. It reports
// whether all of text fitted into the reply.
func (c *coalescer) write(b *strings.Builder, text string) (all bool) {
	for text != "" && c.err == nil {
		n := min(len(text), maxPiece, c.left)
		for n < len(text) && n > 0 && !utf8.RuneStart(text[n]) {
			n-- // do not cut within a character
		}
		if n == 0 {
			return false
		}
		b.WriteString(text[:n])
		c.waiting, c.left, text = c.waiting+n, c.left-n, text[n:]
		if text != "" {
			c.flush(nil)
		}
	}
	return true
}

func (c *coalescer) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = false
	if !c.closed && c.err == nil {
		c.flush(nil)
	}
}

// flush sends the waiting texts and calls, with finish if finish is not nil. Locked: mu is held.
func (c *coalescer) flush(finish *llmv1.Finish) {
	out := &llmv1.ChatResponse{Text: c.text.String(), Reasoning: c.reasoning.String(), ToolCalls: c.calls}
	if out.Text == "" && out.Reasoning == "" && len(out.ToolCalls) == 0 && finish == nil {
		return
	}
	c.text.Reset()
	c.reasoning.Reset()
	c.calls, c.waiting = nil, 0
	if !c.usage.IsZero() && finish == nil {
		out.Usage = wire.Usage(c.usage)
	}
	c.usage = chat.Usage{}
	out.Finish = finish
	c.err = c.send(out)
	c.last = time.Now()
}

// full reports whether the reply was cut at the maximum size.
func (c *coalescer) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Is(c.err, errFull)
}

// close sends the waiting texts and calls with the finish, and stops the timer. Nothing is sent
// after close.
func (c *coalescer) close(f *Finish) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	if errors.Is(c.err, errFull) { // the reply up to its maximum size was sent
		c.err = nil
		if f == nil {
			f = &Finish{Usage: c.usage}
		}
		f.Reason = FinishLength
	} else {
		c.text.WriteString(c.clean.text.Rest())
		c.reasoning.WriteString(c.clean.reasoning.Rest())
	}
	if c.err != nil {
		return c.err
	}
	var finish *llmv1.Finish
	if f != nil {
		finish = &llmv1.Finish{
			Reason: llmv1.Finish_Reason(f.Reason), Usage: wire.Usage(f.Usage), Model: f.Model,
		}
		if len(f.ReasoningSignature) <= sdk.MaxSignatureBytes { // hosts do not store larger signatures
			finish.ReasoningSignature = f.ReasoningSignature
		}
	}
	c.flush(finish)
	return c.err
}

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

// CoalesceFor is how long a piece of a reply may wait for the next one, so that
// two processes do not wake for each token. The first piece never waits.
const CoalesceFor = 20 * time.Millisecond

// pieceBytes is how much of a text is sent without waiting for more. A reply that
// comes faster than its reader takes it so waits in the provider, and not in ever
// larger pieces.
const pieceBytes = 32 << 10

// maxPiece bounds a text that is sent at once.
const maxPiece = 1 << 20

// errFull ends a generation whose reply has sdk.MaxReplyBytes: no host takes more.
var errFull = errors.New("the reply is as large as any may be")

// coalescer sends pieces of a reply: the first at once, then what has come since,
// at most every CoalesceFor or when it is much. A provider may cut its text anywhere,
// also within a character; what is sent is whole characters, cleaned as [chat.Clean] does.
type coalescer struct {
	send func(*llmv1.ChatResponse) error

	mu        sync.Mutex
	clean     struct{ text, reasoning chat.Cleaner }
	text      strings.Builder // these three wait
	reasoning strings.Builder
	calls     []*chatv1.ToolCall
	waiting   int        // bytes of them
	left      int        // bytes that the reply may still have
	usage     chat.Usage // newest; zero when it was sent
	last      time.Time  // of the last send
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
	if d.Usage != (chat.Usage{}) {
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

// add puts as much of d as the reply may have to what waits, and reports whether that is
// all of it. Of what is much a part is sent at once: no piece outgrows what carries it.
func (c *coalescer) add(d Delta) (all bool) {
	all = c.write(&c.reasoning, c.clean.reasoning.Next(d.Reasoning)) && c.write(&c.text, c.clean.text.Next(d.Text))
	for _, t := range d.ToolCalls {
		size := chat.Part{ToolCall: &t}.Size()
		if !all || size > c.left {
			return false
		}
		c.calls = append(c.calls, wire.ToolCall(t))
		c.waiting, c.left = c.waiting+size, c.left-size
	}
	return all
}

// write adds text, which is clean, to b, which is of c.
func (c *coalescer) write(b *strings.Builder, text string) (all bool) {
	for text != "" && c.err == nil {
		n := min(len(text), maxPiece, c.left)
		for n < len(text) && n > 0 && !utf8.RuneStart(text[n]) {
			n-- // not within a character
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

// flush sends what waits, with finish if it is set. The caller holds mu.
func (c *coalescer) flush(finish *llmv1.Finish) {
	out := &llmv1.ChatResponse{Text: c.text.String(), Reasoning: c.reasoning.String(), ToolCalls: c.calls}
	if out.Text == "" && out.Reasoning == "" && len(out.ToolCalls) == 0 && finish == nil {
		return
	}
	c.text.Reset()
	c.reasoning.Reset()
	c.calls, c.waiting = nil, 0
	if c.usage != (chat.Usage{}) && finish == nil {
		out.Usage = wire.Usage(c.usage)
	}
	c.usage = chat.Usage{}
	out.Finish = finish
	c.err = c.send(out)
	c.last = time.Now()
}

// full reports whether the reply is as large as any may be, and was cut.
func (c *coalescer) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Is(c.err, errFull)
}

// close sends what waits and the finish, and stops the timer: nothing is sent
// after it.
func (c *coalescer) close(f *Finish) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	if errors.Is(c.err, errFull) { // all that it may have was sent
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
		if len(f.ReasoningSignature) <= sdk.MaxSignatureBytes { // no host keeps more
			finish.ReasoningSignature = f.ReasoningSignature
		}
	}
	c.flush(finish)
	return c.err
}

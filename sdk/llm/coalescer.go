package llm

import (
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/internal/wire"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
)

// CoalesceFor is how long a piece of a reply may wait for the next one, so that
// two processes do not wake for each token. The first piece never waits.
const CoalesceFor = 20 * time.Millisecond

// pieceBytes is how much of a text is sent without waiting for more. A reply that
// comes faster than its reader takes it so waits in the provider, and not in ever
// larger pieces.
const pieceBytes = 32 << 10

// coalescer sends pieces of a reply: the first at once, then what has come since,
// at most every CoalesceFor or when it is much. A provider may cut its text anywhere,
// also within a character; what is sent is whole characters, cleaned as [chat.Clean] does.
type coalescer struct {
	send func(*llmv1.ChatResponse) error

	mu     sync.Mutex
	clean  struct{ text, reasoning chat.Cleaner }
	text   strings.Builder
	other  *llmv1.ChatResponse // reasoning and tool calls that wait; nil for none
	usage  chat.Usage          // newest; zero when it was sent
	last   time.Time           // of the last send
	timer  *time.Timer
	armed  bool
	closed bool
	err    error
}

func newCoalescer(send func(*llmv1.ChatResponse) error) *coalescer { return &coalescer{send: send} }

func (c *coalescer) emit(d Delta) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.text.WriteString(c.clean.text.Next(d.Text))
	if d.Usage != (chat.Usage{}) {
		c.usage = d.Usage
	}
	if d.Reasoning != "" || len(d.ToolCalls) > 0 {
		if c.other == nil {
			c.other = &llmv1.ChatResponse{}
		}
		c.other.Reasoning += c.clean.reasoning.Next(d.Reasoning)
		for _, t := range d.ToolCalls {
			c.other.ToolCalls = append(c.other.ToolCalls, wire.ToolCall(t))
		}
	}
	if c.text.Len() >= pieceBytes {
		c.flush(nil)
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
	out := c.other
	if out == nil {
		out = &llmv1.ChatResponse{}
	}
	out.Text = c.text.String()
	if out.Text == "" && out.Reasoning == "" && len(out.ToolCalls) == 0 && finish == nil {
		return
	}
	c.text.Reset()
	c.other = nil
	if c.usage != (chat.Usage{}) && finish == nil {
		out.Usage = wire.Usage(c.usage)
	}
	c.usage = chat.Usage{}
	out.Finish = finish
	c.err = c.send(out)
	c.last = time.Now()
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
	if c.err != nil {
		return c.err
	}
	c.text.WriteString(c.clean.text.Rest())
	if rest := c.clean.reasoning.Rest(); rest != "" {
		if c.other == nil {
			c.other = &llmv1.ChatResponse{}
		}
		c.other.Reasoning += rest
	}
	var finish *llmv1.Finish
	if f != nil {
		finish = &llmv1.Finish{
			Reason: llmv1.Finish_Reason(f.Reason), Usage: wire.Usage(f.Usage), Model: f.Model,
			ReasoningSignature: f.ReasoningSignature,
		}
	}
	c.flush(finish)
	return c.err
}

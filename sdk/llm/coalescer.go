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
// that has collected after each CoalesceFor, or once the text reaches pieceBytes. It joins only the
// pieces of one part. What waits of a part is sent when the next part begins. A provider may cut
// its text anywhere, also within a character. The coalescer sends whole characters, cleaned as
// [chat.Clean] does.
type coalescer struct {
	send func(*llmv1.ChatResponse) error

	mu    sync.Mutex
	order Order
	clean chat.Cleaner // holds the cut character at the end of the newest part
	// piece waits to be sent, with text as its text. It is nil if nothing waits.
	piece *Delta
	text  strings.Builder
	// kind is the newest part without its text, from which piece is made.
	kind      chat.Part
	left      int        // bytes that the reply may still have
	stateLeft int        // bytes that the reply's provider states may still have
	usage     chat.Usage // the newest usage, or zero if it was sent
	last      time.Time  // the time of the last send
	timer     *time.Timer
	armed     bool
	closed    bool
	err       error
}

func newCoalescer(send func(*llmv1.ChatResponse) error) *coalescer {
	return &coalescer{send: send, left: sdk.MaxReplyBytes, stateLeft: sdk.MaxProviderStateBytes}
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
	if d.IsNothing() {
		return nil
	}
	if c.err = d.Check(); c.err != nil {
		return c.err
	}
	full := !c.add(&d)
	if full || c.text.Len() >= pieceBytes {
		c.flush(nil)
		if full && c.err == nil {
			c.err = errFull
		}
	}
	if c.err != nil || c.piece == nil {
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

// add adds d to the piece that waits, up to the bounds of a reply, and reports whether all of d
// fitted. It sends a large text in several pieces of at most maxPiece.
func (c *coalescer) add(d *Delta) (all bool) {
	if !c.order.Continues(d) {
		c.endPart()
		c.flush(nil)
		if c.order.Parts() == sdk.MaxReplyParts {
			return false
		}
	}
	states := chat.StateSize([]chat.Part{d.Part})
	if states > c.stateLeft {
		return false
	}
	if !d.Streams() {
		size := d.Size() - states
		if size > c.left {
			return false
		}
		c.order.Add(d)
		c.left, c.stateLeft = c.left-size, c.stateLeft-states
		c.piece = &Delta{Part: chat.CleanParts([]chat.Part{d.Part})[0]}
		return true
	}
	if c.order.Add(d) {
		c.kind = d.Part
		c.kind.Citations, c.kind.State, c.kind.Unknown = nil, nil, nil
		if d.Begins {
			c.wait().Begins = true
		}
	}
	if !c.write(c.clean.Next(d.PieceText())) {
		return false
	}
	if !d.EndsPart() {
		return true
	}
	c.endPart()
	size := (&chat.Part{Citations: d.Citations, Unknown: d.Unknown}).Size()
	if size > c.left {
		return false
	}
	c.left, c.stateLeft = c.left-size, c.stateLeft-states
	end := c.wait()
	end.Citations, end.State, end.Unknown = d.Citations, d.State, d.Unknown
	end.Part = chat.CleanParts([]chat.Part{end.Part})[0]
	return true
}

// wait returns the piece that waits to be sent. If there is none, it makes one of the newest part's
// kind.
func (c *coalescer) wait() *Delta {
	if c.piece == nil {
		c.piece = &Delta{Part: c.kind}
	}
	return c.piece
}

// endPart adds the held bytes of a cut character to the newest part.
func (c *coalescer) endPart() {
	c.write(c.clean.Rest())
}

// write appends text, which must be clean, to the piece that waits. It reports whether all of text
// fitted into the reply.
func (c *coalescer) write(text string) (all bool) {
	for text != "" && c.err == nil {
		n := min(len(text), maxPiece, c.left)
		for n < len(text) && n > 0 && !utf8.RuneStart(text[n]) {
			n-- // do not cut within a character
		}
		if n == 0 {
			return false
		}
		c.wait()
		c.text.WriteString(text[:n])
		c.left, text = c.left-n, text[n:]
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

// flush sends the piece that waits, with finish if finish is not nil. Locked: mu is held.
func (c *coalescer) flush(finish *llmv1.Finish) {
	if c.err != nil || c.piece == nil && finish == nil {
		return
	}
	out := &llmv1.ChatResponse{Finish: finish}
	if p := c.piece; p != nil {
		if p.Streams() {
			p.SetPieceText(c.text.String())
		}
		out.Part, out.NewPart = wire.Part(&p.Part), p.Begins
	}
	c.text.Reset()
	c.piece = nil
	if !c.usage.IsZero() && finish == nil {
		out.Usage = wire.Usage(c.usage)
	}
	c.usage = chat.Usage{}
	c.err = c.send(out)
	c.last = time.Now()
}

// full reports whether the reply was cut at the maximum size.
func (c *coalescer) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Is(c.err, errFull)
}

// close sends what waits with the finish, and stops the timer. Nothing is sent after close.
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
		c.endPart()
	}
	if c.err != nil {
		return c.err
	}
	var finish *llmv1.Finish
	if f != nil {
		finish = &llmv1.Finish{Reason: llmv1.Finish_Reason(f.Reason), Usage: wire.Usage(f.Usage), Model: f.Model}
	}
	c.flush(finish)
	return c.err
}

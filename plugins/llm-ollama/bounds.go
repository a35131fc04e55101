package ollama

import (
	"math"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
)

// bounds are what an answer may have.
type bounds struct {
	total, line int64         // bytes, of all and of one line
	meter       *budget.Meter // of what is held of it; nil: nothing is counted
	keep        bool          // the whole is held and not a line at a time
	address     string        // of the server, for errors
}

// streamed are the bounds of a reply, of which a line is held at a time.
func (m *Model) streamed() bounds {
	return bounds{
		total: sdk.MaxUpstreamStreamBytes, line: sdk.MaxUpstreamLineBytes, address: m.address(),
		meter: budget.NewMeter(m.share, sdk.UpstreamFreeBytes),
	}
}

// whole are the bounds of the embeddings of so many texts, which are held as a whole.
func (m *Model) whole(texts int) bounds {
	most := int64(sdk.MaxUpstreamErrorBytes + texts*sdk.MaxUpstreamVectorBytes)
	return bounds{total: most, line: math.MaxInt64, keep: true, address: m.address(), meter: budget.NewMeter(m.share, sdk.UpstreamFreeBytes)}
}

// hold counts bytes that are held from now on, and reports whether there is room.
func (b *bounds) hold(n int64) bool { return b.meter == nil || b.meter.Add(n, budget.Patience) }

// lineEnds gives back what is held of a line.
func (b *bounds) lineEnds() {
	if b.meter != nil && !b.keep {
		b.meter.Reset()
	}
}

// release gives back what is held of the whole.
func (b *bounds) release() {
	if b.meter != nil {
		b.meter.Reset()
	}
}

// tooMuch is the fault of an answer that is beyond its bounds.
func (b *bounds) tooMuch(format string, args ...any) *fault.Error {
	f := fault.New(fault.ProviderFailed, format, args...)
	f.Message = "the Ollama server at " + b.address + " " + f.Message
	return f
}

package ollama

import (
	"math"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
)

// bounds are the limits on the size of a server's response.
type bounds struct {
	total, line int64         // most bytes of the response, and of one line of it
	meter       *budget.Meter // counts the bytes in memory; nil counts nothing
	keep        bool          // the whole response stays in memory, not only one line
	pace        *budget.Pace  // how fast the response is read; nil has no limit
	address     string        // address of the server, for error messages
}

// streamed returns the bounds of a streamed reply. The plugin has one line of it in memory at a time.
func (m *Model) streamed() bounds {
	return bounds{
		total: sdk.MaxUpstreamStreamBytes, line: sdk.MaxUpstreamLineBytes, address: m.address(),
		meter: budget.NewMeter(m.share, sdk.UpstreamFreeBytes), pace: budget.NewPace(sdk.PaceCredit * time.Second),
	}
}

// byteTime is the time that a byte of a response takes at the greatest pace.
const byteTime = time.Second / sdk.MaxUpstreamByteRate

// whole returns the bounds of a response with the embeddings of the given number of texts. The plugin has
// the whole response in memory.
func (m *Model) whole(texts int) bounds {
	most := int64(sdk.MaxUpstreamErrorBytes + texts*sdk.MaxUpstreamVectorBytes)
	return bounds{total: most, line: math.MaxInt64, keep: true, address: m.address(), meter: budget.NewMeter(m.share, sdk.UpstreamFreeBytes)}
}

// hold counts n more bytes of the response in memory. It reports whether the process has room for them.
func (b *bounds) hold(n int64) bool { return b.meter == nil || b.meter.Add(n, budget.Patience) }

// lineEnds subtracts the bytes of a line, which the plugin no longer has in memory. If keep is set, it
// does nothing.
func (b *bounds) lineEnds() {
	if b.meter != nil && !b.keep {
		b.meter.Reset()
	}
}

// release subtracts all bytes of the response, which the plugin no longer has in memory.
func (b *bounds) release() {
	if b.meter != nil {
		b.meter.Reset()
	}
}

// tooMuch returns the error for a response that exceeds its bounds. The message begins with the server's
// address.
func (b *bounds) tooMuch(format string, args ...any) *fault.Error {
	f := fault.New(fault.ProviderFailed, format, args...)
	f.Message = "the Ollama server at " + b.address + " " + f.Message
	return f
}

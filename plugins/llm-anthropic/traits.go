package anthropic

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
)

// The plugin asks the server what the model takes when the host configures the instance. The server's
// answer counts for describeAgain. A server that does not answer within describeTimeout, or whose answer
// says nothing, is asked again after describeRetry at the earliest.
const (
	describeTimeout = time.Second
	describeAgain   = 10 * time.Minute
	describeRetry   = 30 * time.Second
)

// knownTraits is what the instance knows of its model.
type knownTraits struct {
	newest atomic.Pointer[described] // nil as long as the server has said nothing
	mu     sync.Mutex                // held while the server is asked
	again  time.Time                 // when the server may be asked again; guarded by mu
}

// LLMTraits implements sdk.LLMDescriber. It asks the server, unless it has asked lately.
func (m *Model) LLMTraits(ctx context.Context) sdk.LLMTraits {
	k := &m.known
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().After(k.again) {
		asked, cancel := context.WithTimeout(ctx, describeTimeout)
		d, ok, err := m.describe(asked)
		cancel()
		switch {
		case err == nil && ok:
			k.newest.Store(&d)
			k.again = time.Now().Add(describeAgain)
		case ctx.Err() == nil:
			k.again = time.Now().Add(describeRetry)
		}
	}
	return m.traits()
}

// traits returns what the instance knows of its model. It asks nobody.
func (m *Model) traits() sdk.LLMTraits {
	d := familyOf(m.Model)
	if newest := m.known.newest.Load(); newest != nil {
		d = newest.or(d)
	}
	if m.ContextSize > 0 {
		d.context = m.ContextSize
	}
	// Whether it takes reasoning is left open: it takes its own only, which has a provider state.
	t := sdk.LLMTraits{
		Maker: m.maker, ContextTokens: d.context,
		Tools:      &sdk.ToolTraits{Calls: true, Required: !m.thinks(), Named: !m.thinks(), ParallelChoice: true},
		Formats:    &sdk.FormatTraits{JSONSchema: d.schemas == nil || *d.schemas},
		Media:      textMedia(),
		Embeddings: &sdk.EmbeddingTraits{},
	}
	if d.images == nil || *d.images {
		t.Media = append(t.Media, imageMedia()...)
	}
	if d.pdfs == nil || *d.pdfs {
		t.Media = append(t.Media, documentMedia()...)
	}
	return t
}

// or returns d, and what other says where d says nothing.
func (d described) or(other described) described {
	if d.context == 0 {
		d.context = other.context
	}
	for to, from := range map[**bool]*bool{&d.images: other.images, &d.pdfs: other.pdfs, &d.schemas: other.schemas} {
		if *to == nil {
			*to = from
		}
	}
	return d
}

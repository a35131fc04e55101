package anthropic

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
)

// The plugin asks the server for a description of the model when the host asks for the traits. It asks
// again after describeAgain at the earliest. If the server does not answer within describeTimeout, or
// describes no models, the plugin asks again after describeRetry at the earliest.
const (
	describeTimeout = time.Second
	describeAgain   = 10 * time.Minute
	describeRetry   = 30 * time.Second
)

// knownTraits is what the instance knows of its model.
type knownTraits struct {
	newest atomic.Pointer[described] // the newest description by the server; nil as long as there is none
	mu     sync.Mutex                // held while the server is asked
	again  time.Time                 // when the server may be asked again; guarded by mu
}

// LLMTraits implements sdk.LLMDescriber. It asks the server for a description of the model, unless it
// has asked a short time ago. It waits for the answer for at most a second.
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

// traits returns what the instance knows of its model. It does not contact the server.
func (m *Model) traits() sdk.LLMTraits {
	d := familyOf(m.Model)
	if newest := m.known.newest.Load(); newest != nil {
		d = newest.or(d)
	}
	if m.ContextSize > 0 {
		d.context = m.ContextSize
	}
	// The traits do not set Reasoning: the model takes back only its own reasoning, which has a provider
	// state.
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

// or returns d, with the values of other in place of unknown ones.
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

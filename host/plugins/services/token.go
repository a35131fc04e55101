package services

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
)

// Nested calls a nested plugin. It is called concurrently.
type Nested interface {
	// Embed embeds the texts of req for call.
	Embed(ctx context.Context, call sdk.Call, req *llmv1.EmbedRequest) (*llmv1.EmbedResponse, error)
	// Generate generates one reply for call, and gives its pieces to send. It returns an error of
	// send unchanged.
	Generate(ctx context.Context, call sdk.Call, req *llmv1.ChatRequest, send func(*llmv1.ChatResponse) error) error
}

// tokenCall is a call of the host that the process works on. The plugin knows it by its token.
type tokenCall struct {
	ctx    context.Context // ends with the call
	call   sdk.Call        // without a token, because a nested plugin calls no other
	nested map[string]Nested
	open   int // callbacks that have not ended; guarded by Server.mu
}

// Begin returns a token for a call that the host is about to send to the process. nested has the
// nested plugins of the called instance, by role. The caller calls end when the call has ended. The
// token then opens nothing, and its callbacks are canceled.
func (s *Server) Begin(ctx context.Context, call sdk.Call, nested map[string]Nested) (token string, end func()) {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never returns an error
	token = hex.EncodeToString(random)
	call.Token = ""
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.calls[token] = &tokenCall{ctx: ctx, call: call, nested: nested}
	s.mu.Unlock()
	return token, func() {
		s.mu.Lock()
		delete(s.calls, token)
		s.mu.Unlock()
		cancel()
	}
}

// enter counts a callback of the token. It returns an error if the token opens nothing, or if there
// are too many callbacks. The caller calls leave if the error is nil.
func (s *Server) enter(token string) (*tokenCall, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[token]
	if c == nil || c.ctx.Err() != nil {
		return nil, fault.New(fault.Unauthenticated, "the call token is not that of a call that is at work in this process").By(fault.PartyPlugin)
	}
	if c.open >= bounds.CallbacksEach {
		return nil, fault.New(fault.RateLimited, "a call has %d callbacks at once, and no more", bounds.CallbacksEach).By(fault.PartyPlugin).After(time.Second)
	}
	if s.open[c.call.Tenant] >= bounds.CallbacksOfTenant {
		return nil, fault.New(fault.RateLimited, "a tenant has %d callbacks of a process at once, and no more", bounds.CallbacksOfTenant).By(fault.PartyPlugin).After(time.Second)
	}
	c.open++
	s.open[c.call.Tenant]++
	return c, nil
}

// leave ends what enter counted.
func (s *Server) leave(c *tokenCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.open--
	if s.open[c.call.Tenant]--; s.open[c.call.Tenant] == 0 {
		delete(s.open, c.call.Tenant)
	}
}

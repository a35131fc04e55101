package plugins

import (
	"context"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// BenchmarkCall measures a call through an Instance, and the same call directly on the
// connection. The difference is the cost of supervision.
func BenchmarkCall(b *testing.B) {
	h := newHost(b, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	req := &llm.Request{Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, "hello")}}
	emit := func(llm.Delta) error { return nil }
	b.Run("instance", func(b *testing.B) {
		for b.Loop() {
			if _, err := i.LLM().Chat(context.Background(), req, emit); err != nil {
				b.Fatal(err)
			}
		}
	})
	p := i.sup.current()
	bare := llm.NewClient(p.Conn, i.ID())
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if _, err := bare.Chat(context.Background(), req, emit); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkParallelCalls measures concurrent calls through an Instance and directly on the
// connection.
func BenchmarkParallelCalls(b *testing.B) {
	h := newHost(b, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	req := &llm.Request{Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, "hello")}}
	emit := func(llm.Delta) error { return nil }
	p := i.sup.current()
	bare := llm.NewClient(p.Conn, i.ID())
	for name, l := range map[string]llm.LLM{"instance": i.LLM(), "bare": bare} {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := l.Chat(context.Background(), req, emit); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

package ollama

import (
	"runtime"
	"testing"

	"github.com/ollama/ollama/api"
)

// TestModel_stream_memory checks that a short reply costs little memory: api.Client.Chat would make a
// buffer of 8 MB for each call.
func TestModel_stream_memory(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text("hello"); l.done("stop") }
	m := s.model(nil)
	const calls = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / calls; each > 1<<20 {
		t.Errorf("a call and its server allocate %d bytes", each)
	}
}

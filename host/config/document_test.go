package config

import (
	"fmt"
	"runtime"
	"testing"
)

// TestDocument_size checks how many bytes of memory a document needs, because a host keeps the
// documents of every tenant in memory.
func TestDocument_size(t *testing.T) {
	const n = 2000
	docs := make([]*Document, n)
	before := heap()
	for i := range docs {
		docs[i] = yamlDoc(t, fmt.Sprintf(`
llm: {model: "gemma3:4b"}
memory: {type: buffer, max_messages: %d}
prompts: {system: You are a customer support assistant.}
limits: {concurrent_turns: 2}
`, i+1))
	}
	after := heap()
	if size := (int64(after) - int64(before)) / n; size > 1000 {
		t.Errorf("a document takes %d bytes", size)
	} else {
		t.Logf("a document takes %d bytes", size)
	}
	runtime.KeepAlive(docs)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

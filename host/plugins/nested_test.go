package plugins

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// TestManager_Open_nested checks that a hold on an instance holds the instances of its nested
// plugins, and that another configuration of a nested plugin makes another instance.
func TestManager_Open_nested(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = time.Millisecond }}, "test", "inner")
	spec := func(config string) Spec {
		return Spec{Name: "test", Nested: []Spec{{Kind: "llm", Name: "inner", Role: "llm", Block: fault.Path{"memory", "embedder"}, Config: []byte(config)}}}
	}
	held := func(outer, inner int) func() bool {
		return func() bool { return h.row("test").Instances == outer && h.row("inner").Instances == inner }
	}
	first := h.open(spec(`{}`))
	again := h.open(spec(`{}`))
	if first.ID() != again.ID() || !held(1, 1)() {
		t.Errorf("equal specs gave %d and %d instances", h.row("test").Instances, h.row("inner").Instances)
	}
	other := h.open(spec(`{"secret":"other"}`))
	plain := h.open(Spec{Name: "test"})
	if other.ID() == first.ID() || plain.ID() == first.ID() || !held(3, 2)() {
		t.Errorf("other nested plugins gave %d and %d instances", h.row("test").Instances, h.row("inner").Instances)
	}
	for _, i := range []*Instance{first, other, plain} {
		i.Close()
	}
	eventually(t, 10*time.Second, "the release of what only the closed holds held", held(1, 1))
	again.Close()
	eventually(t, 10*time.Second, "the release of all", held(0, 0))

	s := spec(`{"fail":true}`)
	s.Kind, s.Config = "llm", []byte(`{}`)
	_, err := h.Open(context.Background(), s)
	if f := fault.Of(err); f.Class != fault.Invalid || !strings.HasPrefix(f.Path.String(), "memory.embedder") {
		t.Errorf("a nested plugin that refuses its configuration gives %v", err)
	}
	eventually(t, 10*time.Second, "the release after the refusal", held(0, 0))
}

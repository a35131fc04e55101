package plugins

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// realHost returns a host with the given plugins of this repository. It skips the test if
// one of them was not built.
func realHost(t *testing.T, files ...string) *host {
	t.Helper()
	h := newHost(t, hostOptions{})
	h.putBuilt(files...)
	return h
}

// putBuilt puts the given plugins of this repository into the host's folder. It skips the
// test if one of them was not built.
func (h *host) putBuilt(files ...string) {
	h.t.Helper()
	for _, f := range files {
		path, ok := built[f]
		if !ok {
			h.t.Skipf("%s is not in this tree", f)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			h.t.Fatal(err)
		}
		put(h.t, filepath.Join(h.dir, f), content)
	}
	if err := h.Rescan(); err != nil {
		h.t.Fatal(err)
	}
}

func TestInstance_LLM_echo(t *testing.T) {
	h := realHost(t, "botyard-llm-echo")
	i := h.open(Spec{Name: "echo"})
	if h.ask(i, "hello") == "" {
		t.Error("no reply")
	}
	if e, ok := i.LLM().(llm.Embedder); ok {
		out, err := e.Embed(context.Background(), &llm.EmbedRequest{Call: sdk.Call{Tenant: "t"}, Texts: []string{"a", "b"}})
		if err != nil || len(out.Vectors) != 2 {
			t.Errorf("%v, %v", out, err)
		}
	} else {
		t.Error("the plugin does not implement llm.Embedder")
	}
	crash := h.open(Spec{Name: "echo", Config: []byte(`{"crash_after_tokens":1}`)})
	if _, err := ask(context.Background(), crash, "t", "one two three"); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("err = %v", err)
	}
	if h.ask(i, "hello") == "" {
		t.Error("no reply")
	}
}

func TestInstance_Storage_memory(t *testing.T) {
	h := realHost(t, "botyard-storage-memory")
	i := h.open(Spec{Kind: "storage", Name: "memory"})
	s, ctx := i.Storage(), context.Background()
	if r := i.Renewer(); r != nil {
		if err := r.Renew(ctx, []string{"holder", "another"}, time.Second); err != nil {
			t.Error(err)
		}
	}
	call := sdk.Call{Tenant: "t", Conversation: "c", User: "u"}
	r, err := s.Begin(ctx, &storage.BeginRequest{Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "hello")), Holder: "h", Lease: time.Minute})
	if err != nil || r.Started == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	n, err := s.Commit(ctx, &storage.CommitRequest{Call: call, Fence: r.Started.Fence, State: storage.Succeeded,
		Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hi"))})
	if err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	if page, err := s.Read(ctx, &storage.ReadRequest{Call: call, Limit: 10}); err != nil || len(page.Turns) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	if page, err := s.List(ctx, &storage.ListRequest{Call: sdk.Call{Tenant: "t"}, Limit: 10}); err != nil || len(page.Conversations) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	if n, err := s.Delete(ctx, storage.Scope{Call: call}); err != nil || n.Conversations != 1 {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestInstance_Memory_buffer(t *testing.T) {
	h := realHost(t, "botyard-memory-buffer")
	i := h.open(Spec{Kind: "memory", Name: "buffer", Config: []byte(`{"max_messages":7}`)})
	m := i.Memory()
	if n := m.Needs(); n.Tail != 7 || n.Recall || n.Remember {
		t.Errorf("needs = %+v", n)
	}
	if _, ok := m.(memory.Rememberer); ok {
		t.Error("the buffer implements memory.Rememberer")
	}
}

package api

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
	"github.com/hashicorp/go-hclog"
)

// assembly is a Host without plugin processes.
type assembly struct{ registry *registry.Registry }

func (a assembly) Settings() config.Settings {
	return config.Settings{Limits: config.Limits{MessageBytes: messageBytes}}
}
func (a assembly) Registry() *registry.Registry { return a.registry }
func (a assembly) Plugins() *plugins.Manager    { return nil }

// echo is a model with a fixed reply.
type echo struct{}

// noMemory is a memory that the bot never calls.
type noMemory struct{ memory.Memory }

func (noMemory) Needs() memory.Needs { return memory.Needs{} }

func (echo) Chat(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	return &llm.Finish{Reason: llm.FinishStop}, emit(llm.Text("in one process"))
}

// TestServer_anyHost checks that a Server can serve a Host with only the methods of the interface
// Host.
func TestServer_anyHost(t *testing.T) {
	store := storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})
	reg, err := registry.New(registry.Options{
		TTL: time.Minute, Size: 1,
		Check: func(_ context.Context, id string, _ config.Documents, _ registry.Trial) (*config.Effective, error) {
			return &config.Effective{Tenant: id, Revision: "r"}, nil
		},
		Build: func(_ context.Context, req registry.BuildRequest) (registry.Built, error) {
			limits := config.Limits{ConcurrentTurns: 1, MessageBytes: messageBytes, TurnTimeout: time.Minute, ConversationWait: time.Second}
			return registry.Built{Bot: bot.New(bot.Parts{
				Tenant: req.Effective.Tenant, Revision: req.Effective.Revision, Limits: limits, Admission: req.Admission,
				LLM: echo{}, Memory: noMemory{}, Storage: store, Log: hclog.NewNullLogger(),
			})}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reg.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if _, err := reg.Put(t.Context(), "a", config.FromMap("a", nil), registry.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "http://localhost/api/v1/chat", strings.NewReader(chatBody("c", "hello")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Tenant-ID", "a")
	w := httptest.NewRecorder()
	New(assembly{reg}, Options{}).Handler().ServeHTTP(w, r)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "in one process") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

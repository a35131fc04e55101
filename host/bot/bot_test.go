package bot

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTestBot(s storage.Storage, m llm.LLM, change ...func(*Parts)) *Bot {
	p := Parts{
		Tenant: "acme", Revision: "r1", Prompts: prompt.Set{System: prompt.Literal("be kind")}, LLM: m, Memory: tailMemory(4), Storage: s,
		Admission: &Admission{}, Host: "here", Holder: "run-1", Log: hclog.NewNullLogger(),
		Limits: config.Limits{ConcurrentTurns: 64, MessageBytes: 100, TurnTimeout: 10 * time.Second,
			FirstTokenTimeout: 10 * time.Second, TokenTimeout: 10 * time.Second, WaitingTurns: 64,
			ConversationWait: 5 * time.Second, ConversationWaiters: 16},
	}
	for _, c := range change {
		c(&p)
	}
	return New(p)
}

func wantClass(t *testing.T, err error, class fault.Class) *fault.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %s", class)
	}
	e := fault.Of(err)
	if e.Class != class {
		t.Fatalf("error %v is %s; want %s", err, e.Class, class)
	}
	return e
}

func texts(ms []chat.Message) string {
	var out string
	for _, m := range ms {
		out += fmt.Sprintf("%s:%s|", m.Role, m.Text())
	}
	return out
}

var hi = Request{ConversationID: "c", Message: "hi"}

package archive

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
	"github.com/hashicorp/go-hclog"
)

// wordy is a text whose JSON has six times its bytes.
func wordy(bytes int) string { return strings.Repeat("\u0001", bytes) }

// wordyMemory reports as many and as long problems as a memory may.
type wordyMemory struct{}

func (wordyMemory) Needs() memory.Needs { return memory.Needs{Recall: true} }

func (wordyMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	item := memory.Item{Message: chat.Text(chat.User, "x"), Fact: &memory.FactSource{Kind: wordy(1 << 10)}}
	return &memory.Recalled{Problems: slices.Repeat([]string{strings.Repeat("<", memory.MaxProblemBytes)}, memory.MaxProblems), Items: slices.Repeat([]memory.Item{item}, 100)}, nil
}

// wordyModel fails with a long error.
type wordyModel struct{}

func (wordyModel) Chat(context.Context, *llm.Request, func(llm.Delta) error) (*llm.Finish, error) {
	return nil, fault.New(fault.QuotaExhausted, "%s", strings.Repeat("<", 1<<20)).At(strings.Repeat("<", 1<<20)).From(fault.OriginModel)
}

// TestImport_ofWordyRecords checks that an import takes each turn that a bot stores and an export writes,
// however long the texts are that its plugins put into the record of the turn.
func TestImport_ofWordyRecords(t *testing.T) {
	store := storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})
	b := bot.New(bot.Parts{
		Tenant: "t", Revision: "r", LLM: wordyModel{}, Memory: wordyMemory{}, Storage: store, Admission: &bot.Admission{}, Host: "h", Holder: "h",
		Fallback: slices.Repeat([]bot.Model{{LLM: wordyModel{}, Block: "llm.fallback.0", Plugin: "p"}}, 4), Log: hclog.NewNullLogger(),
		Plugins: map[string]string{"llm": "p", "memory": "p", "storage": "p"},
		Limits: config.Limits{ConcurrentTurns: 1, MessageBytes: 100, TurnTimeout: time.Minute, FirstTokenTimeout: time.Minute, TokenTimeout: time.Minute,
			WaitingTurns: 1, ConversationWait: time.Minute, ConversationWaiters: 1},
	})
	if _, err := b.Chat(t.Context(), bot.Request{ConversationID: "c", Message: "hi"}, nil); !fault.Is(err, fault.QuotaExhausted) {
		t.Fatal(err)
	}
	page, err := store.Read(t.Context(), &storage.ReadRequest{Call: sdk.Call{Tenant: "t", Conversation: "c"}, Limit: 1, All: true})
	if err != nil || len(page.Turns) != 1 {
		t.Fatal(page, err)
	}
	kept := &page.Turns[0]
	var record struct {
		Cut     []string
		Failure *bot.Failure
	}
	if err := json.Unmarshal(kept.Record, &record); err != nil || len(kept.Record) > sdk.MaxRecordBytes || len(record.Cut) == 0 || record.Failure == nil {
		t.Errorf("a record of %d bytes is kept without %q: %v", len(kept.Record), record.Cut, err)
	}
	if back, err := exported(t, kept); err != nil || string(back.Record) != string(kept.Record) {
		t.Errorf("the import says: %v", err)
	}

	// A record of an earlier build may have been stored larger.
	kept.Record = json.RawMessage(`{"revision":"r","memory_problems":["` + strings.Repeat("x", sdk.MaxRecordBytes) + `"]}`)
	back, err := exported(t, kept)
	if err != nil || !strings.Contains(string(back.Record), `"cut":["memory_problems"]`) || !strings.Contains(string(back.Record), `"revision":"r"`) {
		t.Errorf("a larger record: %v, %.200s", err, back.Record)
	}
}

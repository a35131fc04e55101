package memstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/botyard/botyard/sdk/storage"
)

// write runs a turn with a user message of n bytes in the given conversation.
func write(s *Store, tenant, conversation string, n int) error {
	call := sdk.Call{Tenant: tenant, Incarnation: "1", Conversation: conversation}
	begun, err := s.Begin(context.Background(), &storage.BeginRequest{
		Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", n))), Holder: "h", Lease: time.Minute,
	})
	if err != nil {
		return err
	}
	_, err = s.Commit(context.Background(), &storage.CommitRequest{
		Call: call, Fence: begun.Started.Fence, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "y")),
	})
	return err
}

// beyond: conversations in memory
func TestBudget(t *testing.T) {
	shared := newBudget(leastTotal)
	stores := []*Store{newStore(Config{}, time.Now, shared), newStore(Config{MaxBytes: 1 << 40}, time.Now, shared)}
	const piece = 16 << 10
	fill := func(tenant string) (turns int) {
		// All Stores share the budget, even if their max_bytes differ.
		for ; turns < 1000; turns++ {
			err := write(stores[turns%2], tenant, fmt.Sprint(turns), piece)
			if fault.Is(err, fault.QuotaExhausted) {
				if !strings.Contains(err.Error(), TotalVariable) {
					t.Fatal(err)
				}
				return turns
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Fatal("no end")
		return 0
	}
	ninth := leastTotal * 4 / 5 / piece / 9
	if turns := fill("greedy"); turns < ninth-2 || turns > ninth+1 {
		t.Errorf("one tenant had room for %d turns, not about %d", turns, ninth)
	}
	for i := range 50 {
		if turns := fill(fmt.Sprint("greedy", i)); turns < 1 && i < 9 {
			t.Errorf("tenant %d had no room", i)
		}
	}
	if err := write(stores[0], "modest", "c", 100); err != nil {
		t.Errorf("a tenant that has nothing: %v", err)
	}
	if shared.used > leastTotal+piece*2 {
		t.Errorf("%d bytes are used of %d", shared.used, leastTotal)
	}
	// Delete and Close return bytes to the budget.
	if _, err := stores[0].Delete(t.Context(), storage.Scope{Tenant: true, Call: sdk.Call{Tenant: "greedy", Incarnation: "1"}}); err != nil {
		t.Fatal(err)
	}
	if err := write(stores[1], "newcomer", "c", piece/4); err != nil {
		t.Errorf("after a tenant was deleted: %v", err)
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if shared.used != 0 || len(shared.by) != 0 {
		t.Errorf("%d bytes of %d tenants are used by nobody", shared.used, len(shared.by))
	}
}

// beyond: conversations of a tenant in memory
func TestNew_maxBytesHasDefault(t *testing.T) {
	s := newStore(Config{MaxBytes: 4096}, time.Now, newBudget(defaultTotal))
	if err := write(s, "a", "1", 5000); err != nil {
		t.Fatal(err)
	}
	if err := write(s, "a", "2", 1); !fault.Is(err, fault.QuotaExhausted) || !strings.Contains(err.Error(), "max_bytes") {
		t.Errorf("beyond max_bytes: %v", err)
	}
	if err := write(s, "b", "1", 1); err != nil {
		t.Errorf("a neighbour: %v", err)
	}
	var of struct {
		Properties map[string]struct{ Minimum, Maximum int64 }
	}
	raw := Plugin().Info.ConfigSchema
	if err := schema.Decode(raw, []byte(`{}`), &Config{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &of); err != nil || of.Properties["max_bytes"].Minimum != 1 || of.Properties["max_bytes"].Maximum == 0 {
		t.Errorf("%+v, %v", of, err)
	}
}

func TestTotalBytes(t *testing.T) {
	for _, try := range []struct {
		text   string
		memory int64
		want   int64 // 0 means that totalBytes returns an error
	}{
		{"", 0, 1 << 30}, {"", 1 << 30, 1 << 27}, {"", 1 << 40, 1 << 30}, {"", 1 << 20, 1 << 20},
		{"5000000", 1 << 20, 5000000}, {"0", 0, 0}, {"-1", 0, 0}, {"1000", 0, 0}, {"1GiB", 0, 0}, {" 5000000", 0, 0},
	} {
		t.Run(fmt.Sprintf("%q of %d", try.text, try.memory), func(t *testing.T) {
			got, err := totalBytes(try.text, try.memory)
			if got != try.want || (err == nil) != (try.want > 0) || err != nil && !strings.Contains(err.Error(), TotalVariable) {
				t.Errorf("%q of %d: %d, %v", try.text, try.memory, got, err)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, try := range []struct {
		name string
		root fstest.MapFS
		want int64
	}{
		{"nothing", fstest.MapFS{}, 0},
		{"machine", fstest.MapFS{"proc/meminfo": file("MemFree: 1 kB\nMemTotal:       1024 kB\n")}, 1 << 20},
		{"container", fstest.MapFS{"proc/meminfo": file("MemTotal: 1024 kB\n"), "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("4096\n")}, 4096},
		{"service", fstest.MapFS{"proc/meminfo": file("MemTotal: 1024 kB\n"), "proc/self/cgroup": file("0::/system.slice/botyard.service\n"),
			"sys/fs/cgroup/system.slice/botyard.service/memory.max": file("max\n"), "sys/fs/cgroup/system.slice/memory.max": file("8192\n")}, 8192},
		{"version 1", fstest.MapFS{"proc/meminfo": file("MemTotal: 1024 kB\n"), "proc/self/cgroup": file("8:pids:/\n3:memory:/a/b\n0::/\n"),
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": file("9223372036854771712\n"), "sys/fs/cgroup/memory/a/memory.limit_in_bytes": file("8192\n")}, 8192},
	} {
		t.Run(try.name, func(t *testing.T) {
			if got := memory(try.root); got != try.want {
				t.Errorf("%s: %d, not %d", try.name, got, try.want)
			}
		})
	}
}

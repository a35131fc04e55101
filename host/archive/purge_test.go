package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestPurge_everyStorage(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	incarnation := s.incarnation("a")
	for i := range 3 {
		s.say("one", "a", incarnation, fmt.Sprint("c", i), "u", "x")
	}
	s.register("a", "two", "")
	s.say("two", "a", incarnation, "c", "u", "x")
	s.register("b", "one", "")
	s.say("one", "b", s.incarnation("b"), "c", "u", "x")
	r, err := s.Purge(t.Context(), "a", DeletionOptions{})
	if err != nil || r.Conversations != 4 || r.Turns != 4 || len(r.Storages) != 2 || r.Incarnation != incarnation || r.Versions != 5 || r.DoneAt == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if s.count("one", "a", incarnation)+s.count("two", "a", incarnation) != 0 || s.count("one", "b", s.incarnation("b")) != 1 {
		t.Error("too little or too much is gone")
	}
	for _, shelf := range []string{"one", "two"} {
		if err := say(t.Context(), s.storages.get(shelf), sdk.Call{Tenant: "a", Incarnation: incarnation, Conversation: "late"}, "x"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a late write on shelf %s: %v", shelf, err)
		}
	}
	if _, err := s.reg.Acquire(t.Context(), "a"); !fault.Is(err, fault.NotFound) {
		t.Errorf("it is served: %v", err)
	}
	versions, _, err := s.reg.History(t.Context(), "a", 0, 10)
	if err != nil || len(versions) != 1 || versions[0].State != storage.TenantPurged || versions[0].Note != "purged: 4 conversations, 4 turns, 5 versions" {
		t.Errorf("%+v, %v", versions, err)
	}
	again, err := s.Purge(t.Context(), "a", DeletionOptions{})
	if err != nil || string(again.json()) != string(r.json()) || string(versions[0].Receipt) != string(r.json()) {
		t.Errorf("%+v, %v; want the same receipt", again, err)
	}
	if want := "a/" + incarnation + "//"; !slices.Contains(s.memory.told, want) {
		t.Errorf("the memory was told to forget %q", s.memory.told)
	}
	// The id is free after the purge. A new tenant of this id has no conversations.
	s.register("a", "one", "")
	if now := s.incarnation("a"); now == incarnation || s.count("one", "a", now) != 0 {
		t.Errorf("the id is used again as %q", now)
	}
	if _, err := s.Purge(t.Context(), "nobody", DeletionOptions{}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestPurge_continues(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	incarnation := s.incarnation("a")
	const turns = 1700 // The deletion takes four steps of deleteStep turns.
	for i := range turns {
		s.say("one", "a", incarnation, fmt.Sprint("c", i%7), "u", "x")
	}
	s.register("a", "two", "")
	s.say("two", "a", incarnation, "c", "u", "x")

	// The first purge stops after the first step in the first storage, because its caller cancels
	// it. The second storage is done by then.
	ctx, cancel := context.WithCancel(t.Context())
	twoDone := make(chan struct{})
	s.storages.get("one").Before = func(method string, _ sdk.Call) error {
		if method == "Delete" {
			<-twoDone
		}
		return nil
	}
	_, err := s.Purge(ctx, "a", DeletionOptions{Progress: func(c Count) {
		if c.Turns == 1 {
			close(twoDone)
		} else {
			cancel()
		}
	}})
	if !fault.Is(err, fault.Canceled) {
		t.Fatal(err)
	}
	if _, err := s.reg.Restore(t.Context(), "a"); !fault.Is(err, fault.Conflict) {
		t.Errorf("half a tenant was restored: %v", err)
	}
	// The second purge fails, because one storage cannot be opened.
	s.storages.fail("two", fault.New(fault.PluginUnavailable, "not there"))
	_, err = s.Purge(t.Context(), "a", DeletionOptions{})
	if !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "storage shelf (shelf=two): not there (digest ") ||
		!strings.Contains(err.Error(), "stays removed") || strings.Contains(err.Error(), "shelf=one") {
		t.Errorf("%v", err)
	}
	if e, err := s.reg.Snapshot(t.Context(), "a"); err != nil || e.State != storage.TenantRemoved {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := s.reg.Snapshot(t.Context(), "a"); err != nil {
		t.Error(err)
	} else if r, err := parseReceipt(e.Receipt); err != nil || r.Turns != turns+1 || r.DoneAt != nil {
		t.Errorf("one storage kept the purge from the other: %+v, %v", r, err)
	}
	s.storages.fail("two", nil)
	r, err := s.Purge(t.Context(), "a", DeletionOptions{})
	if err != nil || r.Conversations != 8 || r.Turns != turns+1 {
		t.Errorf("%+v, %v; want 8 conversations with %d turns", r, err, turns+1)
	}
}

func TestPurge_tenantOfAFile(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	doc := config.FromMap("f", map[string]any{})
	if _, err := s.reg.Put(t.Context(), "f", doc, putFile); err != nil {
		t.Fatal(err)
	}
	s.say("one", "f", "", "c", "u", "from when there was no registry")
	if _, err := s.Purge(t.Context(), "f", DeletionOptions{}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "f.hcl: remove that first") {
		t.Errorf("%v", err)
	}
	if erased, err := s.Erase(t.Context(), "f", "", DeletionOptions{}); err != nil || erased.Turns != 1 {
		t.Errorf("%+v, %v", erased, err)
	}
	incarnation := s.incarnation("f")
	if incarnation == "" {
		t.Error("the incarnation without a name goes on")
	}
	s.note("f")
	s.say("one", "f", incarnation, "c", "u", "x")
	s.reg.DropFile("f", "f.hcl")
	if r, err := s.Purge(t.Context(), "f", DeletionOptions{}); err != nil || r.Turns != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPurge_twoHosts(t *testing.T) {
	on, shared := newTestStorages(), newTenantStore()
	hosts := []*testHost{newTestHost(t, on, shared), newTestHost(t, on, shared)}
	hosts[0].register("a", "one", "")
	for i := range 50 {
		hosts[0].say("one", "a", hosts[0].incarnation("a"), fmt.Sprint(i), "u", "x")
	}
	receipts := make([]*Receipt, 2)
	var all sync.WaitGroup
	for i, s := range hosts {
		all.Go(func() {
			var err error
			if receipts[i], err = s.Purge(t.Context(), "a", DeletionOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	x, _ := json.Marshal(receipts[0])
	y, _ := json.Marshal(receipts[1])
	if string(x) != string(y) {
		t.Errorf("two receipts:\n%s\n%s", x, y)
	}
}

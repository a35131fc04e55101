package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// past imports a conversation whose last change is so many days ago.
func (s *testHost) past(shelf, id, conversation string, days, turns int) {
	s.Helper()
	var all []storage.Turn
	at := time.Now().AddDate(0, 0, -days)
	for n := range int64(turns) {
		all = append(all, storage.Turn{Sequence: n + 1, Number: n + 1, State: storage.Succeeded, StartedAt: at.Add(-time.Hour), EndedAt: at,
			Messages: storage.EncodeMessages(chat.Text(chat.User, "x"))})
	}
	call := sdk.Call{Tenant: id, Incarnation: s.incarnation(id), Conversation: conversation, User: "u"}
	if _, err := s.storages.get(shelf).Import(s.Context(), &storage.ImportRequest{Call: call, Turns: all}); err != nil {
		s.Fatal(err)
	}
}

const keepsAWeek = `{"conversation_storage": {"retention_days": 7}}`

func TestRetain(t *testing.T) {
	for _, tracked := range []bool{true, false} {
		t.Run(fmt.Sprint("tracked ", tracked), func(t *testing.T) {
			var shared storage.TenantStore
			if tracked {
				shared = newTenantStore()
			}
			s := newTestHost(t, newTestStorages(), shared)
			s.register("a", "one", keepsAWeek)
			s.register("forever", "one", "")
			if _, err := s.reg.Put(t.Context(), "f", config.FromMap("f", map[string]any{"conversation_storage": map[string]any{"retention_days": 30}}), putFile); err != nil {
				t.Fatal(err)
			}
			for i := range 120 { // more than one page of conversations
				s.past("one", "a", fmt.Sprintf("old%03d", i), 8, 1)
				s.past("one", "a", fmt.Sprintf("new%03d", i), 6, 1)
			}
			s.past("one", "a", "long", 9, 1200) // more turns than two steps delete
			s.past("one", "forever", "c", 4000, 1)
			s.past("one", "f", "old", 31, 1)
			s.past("one", "f", "new", 29, 1)
			var asked []string
			s.storages.get("one").Before = func(method string, call sdk.Call) error {
				if method == "Delete" && strings.HasPrefix(call.Conversation, "new") {
					asked = append(asked, call.Conversation)
				}
				return nil
			}
			for round, want := range []Retained{{Tenants: 2, Conversations: 122, Turns: 1321}, {Tenants: 2}} {
				if done, err := s.Retain(t.Context()); err != nil || done != want {
					t.Errorf("round %d: %+v, %v; want %+v", round, done, err, want)
				}
			}
			if len(asked) > 0 {
				t.Errorf("the storage was asked to delete %q", asked)
			}
			if a, forever, f := s.count("one", "a", s.incarnation("a")), s.count("one", "forever", s.incarnation("forever")), s.count("one", "f", ""); a != 120 || forever != 1 || f != 1 {
				t.Errorf("left are %d, %d and %d conversations", a, forever, f)
			}
			if cached := s.reg.CachedBots(); len(cached) != 0 {
				t.Errorf("bots were built for it: %+v", cached)
			}
			if want := "drain/a/" + s.incarnation("a") + "/long"; !slices.Contains(s.memory.told, want) {
				t.Errorf("the memory was not told to forget %s", want)
			}
		})
	}
}

func TestRetain_earlierStoragesAndRemovedTenants(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", keepsAWeek)
	s.past("one", "a", "c", 8, 1)
	s.register("a", "two", keepsAWeek)
	s.past("two", "a", "c", 8, 1)
	if err := s.reg.Remove(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Retain(t.Context()); err != nil || done.Conversations != 2 {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestRetain_sparesWhatChanges checks that a pass does not delete an old conversation that gets
// a new turn during the pass.
func TestRetain_sparesWhatChanges(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", keepsAWeek)
	incarnation := s.incarnation("a")
	for _, c := range []string{"c1", "c2", "c3"} {
		s.past("one", "a", c, 8, 1)
	}
	on := s.storages.get("one")
	var once sync.Once
	on.Before = func(method string, call sdk.Call) error {
		if method == "Delete" && call.Conversation == "c2" {
			once.Do(func() {
				if err := say(t.Context(), on, sdk.Call{Tenant: "a", Incarnation: incarnation, Conversation: "c2"}, "still here"); err != nil {
					t.Error(err)
				}
			})
		}
		return nil
	}
	if done, err := s.Retain(t.Context()); err != nil || done.Conversations != 2 || done.Turns != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	page, err := on.Read(t.Context(), &storage.ReadRequest{Call: sdk.Call{Tenant: "a", Incarnation: incarnation, Conversation: "c2"}, Limit: 10, All: true})
	if err != nil || len(page.Turns) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestRetain_failureOfOneTenant(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	for _, id := range []string{"a", "b", "c"} {
		s.register(id, id, keepsAWeek)
		s.past(id, id, "old", 8, 1)
	}
	s.storages.fail("b", fault.New(fault.PluginUnavailable, "not there"))
	if done, err := s.Retain(t.Context()); err != nil || done != (Retained{Tenants: 3, Conversations: 2, Turns: 2, Failed: 1}) {
		t.Errorf("%+v, %v", done, err)
	}
	s.storages.fail("b", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Retain(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestArchive_Run(t *testing.T) {
	on, shared := newTestStorages(), newTenantStore()
	hosts := []*testHost{newTestHost(t, on, shared), newTestHost(t, on, shared)}
	hosts[0].register("a", "one", keepsAWeek)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, s := range hosts {
		running.Go(func() { s.Archive.Run(ctx) })
	}
	for round := range 3 {
		for i := range 20 {
			hosts[0].past("one", "a", fmt.Sprintf("%d.%d", round, i), 8, 3)
		}
		for end := time.Now().Add(time.Minute); hosts[0].count("one", "a", hosts[0].incarnation("a")) > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("old conversations stay")
			}
		}
	}
	stop()
	running.Wait()
}

// TestRetain_throttled checks that the pause after each call is longer than the call.
func TestRetain_throttled(t *testing.T) {
	s := newTestHost(t, newTestStorages(), nil)
	s.Archive.o.timing.throttle = defaultTiming.throttle
	s.register("a", "one", keepsAWeek)
	for i := range 5 {
		s.past("one", "a", fmt.Sprint(i), 8, 1)
	}
	const each = 20 * time.Millisecond
	busy := time.Duration(0)
	s.storages.get("one").Before = func(string, sdk.Call) error {
		begun := time.Now()
		time.Sleep(each)
		busy += time.Since(begun)
		return nil
	}
	begun := time.Now()
	if _, err := s.Retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 4*busy {
		t.Errorf("of %s the storage worked for %s", took, busy)
	}
}

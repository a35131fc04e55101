package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestErase_keepsTheTenant(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	s.register("b", "one", "")
	incarnation := s.incarnation("a")
	for i := range 10 {
		s.say("one", "a", incarnation, fmt.Sprint("c", i), "u", "x")
	}
	s.say("one", "b", s.incarnation("b"), "c1", "u", "x")
	s.register("a", "two", "")
	s.say("two", "a", incarnation, "c", "v", "x")
	var told []Count
	erased, err := s.Erase(t.Context(), "a", "", DeletionOptions{Progress: func(c Count) { told = append(told, c) }})
	if err != nil || erased.Conversations != 11 || erased.Turns != 11 || len(erased.Storages) != 2 || len(told) != 2 {
		t.Fatalf("%+v, %v; progress %+v", erased, err, told)
	}
	if n := s.count("one", "a", incarnation) + s.count("two", "a", incarnation); n != 0 {
		t.Errorf("%d conversations are left", n)
	}
	now := s.incarnation("a")
	if now == incarnation || now == "" {
		t.Errorf("it lives on as %q", now)
	}
	for _, shelf := range []string{"one", "two"} {
		if err := say(t.Context(), s.storages.get(shelf), sdk.Call{Tenant: "a", Incarnation: incarnation, Conversation: "late"}, "x"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a late write on shelf %s: %v", shelf, err)
		}
	}
	s.say("two", "a", now, "c", "u", "anew")
	if s.count("two", "a", now) != 1 || s.count("one", "b", s.incarnation("b")) != 1 {
		t.Error("the new incarnation or another tenant has lost something")
	}
	e, err := s.reg.Snapshot(t.Context(), "a")
	if err != nil || len(e.Former) != 0 || len(e.Incarnation.Storages) != 1 || e.State != storage.TenantActive {
		t.Errorf("%+v, %v", e, err)
	}
	if want := "a/" + incarnation + "//"; !slices.Contains(s.memory.told, want) {
		t.Errorf("the memory was told to forget %q", s.memory.told)
	}
	if _, err := s.Erase(t.Context(), "nobody", "", DeletionOptions{}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestErase_oneUser(t *testing.T) {
	for _, tracked := range []bool{true, false} {
		t.Run(fmt.Sprint("tracked ", tracked), func(t *testing.T) {
			var shared storage.TenantStore
			if tracked {
				shared = newTenantStore()
			}
			s := newTestHost(t, newTestStorages(), shared)
			s.register("a", "one", "")
			incarnation := s.incarnation("a")
			for i := range 1200 { // more turns than one step deletes
				s.say("one", "a", incarnation, fmt.Sprint("c", i%3), "u", "x")
			}
			s.say("one", "a", incarnation, "other", "v", "x")
			steps := 0
			erased, err := s.Erase(t.Context(), "a", "u", DeletionOptions{Progress: func(Count) { steps++ }})
			if err != nil || erased.Conversations != 3 || erased.Turns != 1200 || steps < 3 {
				t.Errorf("%+v, %v in %d steps", erased, err, steps)
			}
			if s.incarnation("a") != incarnation || s.count("one", "a", incarnation) != 1 {
				t.Error("more than the user is gone")
			}
			if want := "drain/a/" + incarnation + "/"; !slices.Contains(s.memory.told, want) {
				t.Errorf("the memory was told to forget %q", s.memory.told)
			}
			if erased, err := s.Erase(t.Context(), "a", "u", DeletionOptions{}); err != nil || erased.Turns != 0 {
				t.Errorf("again: %+v, %v", erased, err)
			}
		})
	}
}

func TestErase_continues(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	first := s.incarnation("a")
	s.say("one", "a", first, "c", "u", "x")
	s.register("a", "two", "")
	s.say("two", "a", first, "c", "u", "x")
	s.storages.fail("one", fault.New(fault.PluginUnavailable, "not there"))
	if _, err := s.Erase(t.Context(), "a", "", DeletionOptions{}); !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "shelf=one") {
		t.Fatal(err)
	}
	if s.count("two", "a", first) != 0 {
		t.Error("one storage kept the erasure from the other")
	}
	second := s.incarnation("a")
	s.note("a")
	s.say("two", "a", second, "c", "u", "meanwhile")
	s.register("a", "three", "") // a change of the registration between two erasures
	s.storages.fail("one", nil)
	erased, err := s.Erase(t.Context(), "a", "", DeletionOptions{})
	if err != nil || erased.Turns != 2 {
		t.Errorf("%+v, %v", erased, err)
	}
	if s.count("one", "a", first)+s.count("two", "a", second) != 0 {
		t.Error("something is left")
	}
}

// TestErase_unfinishedAreBounded checks that repeated erasures do not add former incarnations
// without bound while a storage does not respond and no erasure can finish. A repeated erasure
// adds no former incarnation if nothing was written to the present incarnation. Former
// incarnations that were written to are bounded by bounds.MaxEarlierIncarnations.
func TestErase_unfinishedAreBounded(t *testing.T) {
	// beyond: earlier incarnations
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.o.timing.retryFor = time.Millisecond
	s.register("a", "one", "")
	s.storages.fail("one", fault.New(fault.PluginUnavailable, "not there"))
	erase := func(want fault.Class, former int) {
		t.Helper()
		_, err := s.Erase(t.Context(), "a", "", DeletionOptions{})
		e, estateErr := s.reg.Snapshot(t.Context(), "a")
		if !fault.Is(err, want) || estateErr != nil || len(e.Former) != former {
			t.Fatalf("%v; %v: %d earlier incarnations, want %d", err, estateErr, len(e.Former), former)
		}
	}
	for range 3 {
		erase(fault.PluginUnavailable, 1)
	}
	for i := 2; i <= bounds.MaxEarlierIncarnations; i++ {
		s.note("a")
		erase(fault.PluginUnavailable, i)
	}
	s.note("a")
	// the erasure continues with the former incarnations and adds none
	erase(fault.PluginUnavailable, bounds.MaxEarlierIncarnations)
	incarnation := s.incarnation("a")
	s.say("one", "a", incarnation, "c", "u", "x")
	s.storages.fail("one", nil)
	if erased, err := s.Erase(t.Context(), "a", "", DeletionOptions{}); err != nil || erased.Turns != 1 {
		t.Fatalf("%+v, %v", erased, err)
	}
	if e, err := s.reg.Snapshot(t.Context(), "a"); err != nil || len(e.Former) != 0 || e.Incarnation.ID == incarnation {
		t.Errorf("%+v, %v", e, err)
	}
}

package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestEraseTakesAllAndKeepsTheTenant(t *testing.T) {
	s := openSite(t, newShelves(), newLedger())
	s.register("a", "one", "")
	s.register("b", "one", "")
	life := s.life("a")
	for i := range 10 {
		s.say("one", "a", life, fmt.Sprint("c", i), "u", "x")
	}
	s.say("one", "b", s.life("b"), "c1", "u", "x")
	s.register("a", "two", "")
	s.say("two", "a", life, "c", "v", "x")
	var told []Count
	erased, err := s.Erase(t.Context(), "a", "", Deletion{Progress: func(c Count) { told = append(told, c) }})
	if err != nil || erased.Conversations != 11 || erased.Turns != 11 || len(erased.Storages) != 2 || len(told) != 2 {
		t.Fatalf("%+v, %v; progress %+v", erased, err, told)
	}
	if n := s.count("one", "a", life) + s.count("two", "a", life); n != 0 {
		t.Errorf("%d conversations are left", n)
	}
	now := s.life("a")
	if now == life || now == "" {
		t.Errorf("it lives on as %q", now)
	}
	for _, shelf := range []string{"one", "two"} {
		if err := say(t.Context(), s.shelves.get(shelf), sdk.Call{Tenant: "a", Incarnation: life, Conversation: "late"}, "x"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a late write on shelf %s: %v", shelf, err)
		}
	}
	s.say("two", "a", now, "c", "u", "anew")
	if s.count("two", "a", now) != 1 || s.count("one", "b", s.life("b")) != 1 {
		t.Error("the new life or another tenant has lost something")
	}
	e, err := s.reg.Estate(t.Context(), "a")
	if err != nil || len(e.Former) != 0 || len(e.Life.Storages) != 1 || e.State != storage.TenantActive {
		t.Errorf("%+v, %v", e, err)
	}
	if want := "a/" + life + "//"; !slices.Contains(s.memory.told, want) {
		t.Errorf("the memory was told to forget %q", s.memory.told)
	}
	if _, err := s.Erase(t.Context(), "nobody", "", Deletion{}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestEraseOfOneUser(t *testing.T) {
	for _, tracked := range []bool{true, false} {
		var shared storage.TenantStore
		if tracked {
			shared = newLedger()
		}
		s := openSite(t, newShelves(), shared)
		s.register("a", "one", "")
		life := s.life("a")
		for i := range 1200 { // more than a step
			s.say("one", "a", life, fmt.Sprint("c", i%3), "u", "x")
		}
		s.say("one", "a", life, "other", "v", "x")
		steps := 0
		erased, err := s.Erase(t.Context(), "a", "u", Deletion{Progress: func(Count) { steps++ }})
		if err != nil || erased.Conversations != 3 || erased.Turns != 1200 || steps < 3 {
			t.Errorf("%+v, %v in %d steps", erased, err, steps)
		}
		if s.life("a") != life || s.count("one", "a", life) != 1 {
			t.Error("more than the user is gone")
		}
		if want := "a/" + life + "//u"; !slices.Contains(s.memory.told, want) {
			t.Errorf("the memory was told to forget %q", s.memory.told)
		}
		if erased, err := s.Erase(t.Context(), "a", "u", Deletion{}); err != nil || erased.Turns != 0 {
			t.Errorf("again: %+v, %v", erased, err)
		}
	}
}

func TestWhatAnErasureLeftOverGoesWithTheNext(t *testing.T) {
	s := openSite(t, newShelves(), newLedger())
	s.register("a", "one", "")
	first := s.life("a")
	s.say("one", "a", first, "c", "u", "x")
	s.register("a", "two", "")
	s.say("two", "a", first, "c", "u", "x")
	s.shelves.fail("one", fault.New(fault.PluginUnavailable, "not there"))
	if _, err := s.Erase(t.Context(), "a", "", Deletion{}); !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "shelf=one") {
		t.Fatal(err)
	}
	if s.count("two", "a", first) != 0 {
		t.Error("one storage kept the erasure from the other")
	}
	second := s.life("a")
	s.note("a")
	s.say("two", "a", second, "c", "u", "meanwhile")
	s.register("a", "three", "") // what else happens to the tenant
	s.shelves.fail("one", nil)
	erased, err := s.Erase(t.Context(), "a", "", Deletion{})
	if err != nil || erased.Turns != 2 {
		t.Errorf("%+v, %v", erased, err)
	}
	if s.count("one", "a", first)+s.count("two", "a", second) != 0 {
		t.Error("something is left")
	}
}

func TestPurgeTakesEveryStorageThatWasUsed(t *testing.T) {
	s := openSite(t, newShelves(), newLedger())
	s.register("a", "one", "")
	life := s.life("a")
	for i := range 3 {
		s.say("one", "a", life, fmt.Sprint("c", i), "u", "x")
	}
	s.register("a", "two", "")
	s.say("two", "a", life, "c", "u", "x")
	s.register("b", "one", "")
	s.say("one", "b", s.life("b"), "c", "u", "x")
	r, err := s.Purge(t.Context(), "a", Deletion{})
	if err != nil || r.Conversations != 4 || r.Turns != 4 || len(r.Storages) != 2 || r.Life != life || r.Versions != 5 || r.DoneAt == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if s.count("one", "a", life)+s.count("two", "a", life) != 0 || s.count("one", "b", s.life("b")) != 1 {
		t.Error("too little or too much is gone")
	}
	for _, shelf := range []string{"one", "two"} {
		if err := say(t.Context(), s.shelves.get(shelf), sdk.Call{Tenant: "a", Incarnation: life, Conversation: "late"}, "x"); !fault.Is(err, fault.Conflict) {
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
	again, err := s.Purge(t.Context(), "a", Deletion{})
	if err != nil || string(again.json()) != string(r.json()) || string(versions[0].Receipt) != string(r.json()) {
		t.Errorf("%+v, %v; want the same receipt", again, err)
	}
	if want := "a/" + life + "//"; !slices.Contains(s.memory.told, want) {
		t.Errorf("the memory was told to forget %q", s.memory.told)
	}
	// The id is free, and starts empty.
	s.register("a", "one", "")
	if now := s.life("a"); now == life || s.count("one", "a", now) != 0 {
		t.Errorf("the id is used again as %q", now)
	}
	if _, err := s.Purge(t.Context(), "nobody", Deletion{}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestAnInterruptedPurgeCountsOn(t *testing.T) {
	s := openSite(t, newShelves(), newLedger())
	s.register("a", "one", "")
	life := s.life("a")
	const turns = 1700 // four steps
	for i := range turns {
		s.say("one", "a", life, fmt.Sprint("c", i%7), "u", "x")
	}
	s.register("a", "two", "")
	s.say("two", "a", life, "c", "u", "x")

	// The caller goes away after the second step.
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	_, err := s.Purge(ctx, "a", Deletion{Progress: func(Count) {
		if steps++; steps == 2 {
			cancel()
		}
	}})
	if !fault.Is(err, fault.Canceled) {
		t.Fatal(err)
	}
	if _, err := s.reg.Restore(t.Context(), "a"); !fault.Is(err, fault.Conflict) {
		t.Errorf("half a tenant was restored: %v", err)
	}
	// A storage cannot be reached.
	s.shelves.fail("two", fault.New(fault.PluginUnavailable, "not there"))
	_, err = s.Purge(t.Context(), "a", Deletion{})
	if !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "storage shelf (shelf=two): not there (digest ") ||
		!strings.Contains(err.Error(), "stays removed") || strings.Contains(err.Error(), "shelf=one") {
		t.Errorf("%v", err)
	}
	if e, err := s.reg.Estate(t.Context(), "a"); err != nil || e.State != storage.TenantRemoved {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := s.reg.Estate(t.Context(), "a"); err != nil {
		t.Error(err)
	} else if r, err := readReceipt(e.Receipt); err != nil || r.Turns != turns+1 || r.DoneAt != nil {
		t.Errorf("one storage kept the purge from the other: %+v, %v", r, err)
	}
	s.shelves.fail("two", nil)
	r, err := s.Purge(t.Context(), "a", Deletion{})
	if err != nil || r.Conversations != 8 || r.Turns != turns+1 {
		t.Errorf("%+v, %v; want 8 conversations with %d turns", r, err, turns+1)
	}
}

func TestAStorageThatIsNoMoreCanBeAbandoned(t *testing.T) {
	s := openSite(t, newShelves(), newLedger())
	s.register("a", "one", "")
	s.register("a", "two", "")
	s.say("two", "a", s.life("a"), "c", "u", "x")
	s.shelves.fail("one", fault.New(fault.PluginUnavailable, "not there"))
	for _, wrong := range []string{"", "0123456", "0123456789"} {
		if _, err := s.Purge(t.Context(), "a", Deletion{Abandon: []string{wrong}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	_, err := s.Purge(t.Context(), "a", Deletion{})
	if err == nil {
		t.Fatal("purged without one of its storages")
	}
	_, digest, _ := strings.Cut(err.Error(), "(digest ")
	r, err := s.Purge(t.Context(), "a", Deletion{Abandon: []string{digest[:shortestDigest]}})
	if err != nil || r.Turns != 1 || len(r.Storages) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, c := range r.Storages {
		if c.Abandoned != strings.HasPrefix(c.Digest, digest[:shortestDigest]) {
			t.Errorf("%+v", c)
		}
	}
}

func TestAFilesTenantIsErasedAndNotPurged(t *testing.T) {
	s := openSite(t, newShelves(), newLedger())
	doc := config.FromMap("f", map[string]any{})
	if _, _, err := s.reg.Put(t.Context(), "f", doc, putFile); err != nil {
		t.Fatal(err)
	}
	s.say("one", "f", "", "c", "u", "from when there was no registry")
	if _, err := s.Purge(t.Context(), "f", Deletion{}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "f.hcl: remove that first") {
		t.Errorf("%v", err)
	}
	if erased, err := s.Erase(t.Context(), "f", "", Deletion{}); err != nil || erased.Turns != 1 {
		t.Errorf("%+v, %v", erased, err)
	}
	life := s.life("f")
	if life == "" {
		t.Error("the life without a name goes on")
	}
	s.note("f")
	s.say("one", "f", life, "c", "u", "x")
	s.reg.Drop("f", "f.hcl")
	if r, err := s.Purge(t.Context(), "f", Deletion{}); err != nil || r.Turns != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// What a host writes just before it hears that a life without a name is over, no
// storage can refuse.
func TestLateWritesOfALifeWithoutANameAreDeletedToo(t *testing.T) {
	for _, tracked := range []bool{true, false} {
		on := newShelves()
		s := openSite(t, on, nil)
		purge := func() (int64, error) {
			r, err := s.Purge(t.Context(), "f", Deletion{})
			if err != nil {
				return 0, err
			}
			return r.Turns, nil
		}
		if tracked {
			s = openSite(t, on, newLedger())
			if _, _, err := s.reg.Put(t.Context(), "f", config.FromMap("f", map[string]any{}), putFile); err != nil {
				t.Fatal(err)
			}
			purge = func() (int64, error) {
				e, err := s.Erase(t.Context(), "f", "", Deletion{})
				if err != nil {
					return 0, err
				}
				return e.Turns, nil
			}
		} else {
			s.register("f", "one", "")
		}
		s.say("one", "f", "", "c", "u", "x")
		var once sync.Once
		late := make(chan error, 1)
		on.get("one").Before = func(method string, _ sdk.Call) error {
			if method == "Delete" {
				// After the deletion, which this precedes.
				once.Do(func() {
					go func() {
						for end := time.Now().Add(5 * time.Second); s.count("one", "f", "") > 0 && time.Now().Before(end); {
							time.Sleep(100 * time.Microsecond)
						}
						late <- say(context.Background(), on.get("one"), sdk.Call{Tenant: "f", Conversation: "late"}, "x")
					}()
				})
			}
			return nil
		}
		turns, err := purge()
		var e error
		select {
		case e = <-late:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was deleted")
		}
		if err != nil || e != nil || turns != 2 || s.count("one", "f", "") != 0 {
			t.Errorf("tracked %v: %d turns, %v; the late write: %v", tracked, turns, err, e)
		}
	}
}

func TestOnlyOneDeletionOfATenantAtATime(t *testing.T) {
	s := openSite(t, newShelves(), newLedger())
	s.register("a", "one", "")
	s.say("one", "a", s.life("a"), "c", "u", "x")
	var second error
	if _, err := s.Erase(t.Context(), "a", "", Deletion{Progress: func(Count) {
		_, second = s.Purge(t.Context(), "a", Deletion{})
	}}); err != nil {
		t.Fatal(err)
	}
	if !fault.Is(second, fault.Conflict) {
		t.Errorf("beside an erasure: %v", second)
	}
	if _, err := s.Purge(t.Context(), "a", Deletion{}); err != nil {
		t.Error(err)
	}
}

func TestTwoHostsMayPurgeAtOnce(t *testing.T) {
	on, shared := newShelves(), newLedger()
	hosts := []*site{openSite(t, on, shared), openSite(t, on, shared)}
	hosts[0].register("a", "one", "")
	for i := range 50 {
		hosts[0].say("one", "a", hosts[0].life("a"), fmt.Sprint(i), "u", "x")
	}
	receipts := make([]*Receipt, 2)
	var all sync.WaitGroup
	for i, s := range hosts {
		all.Go(func() {
			var err error
			if receipts[i], err = s.Purge(t.Context(), "a", Deletion{}); err != nil {
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

// A storage that does not answer keeps an erasure from its end. To repeat it makes no
// further incarnation of what nobody wrote to, and those that were written to are bounded.
func TestErasuresThatAreNotDoneAreBounded(t *testing.T) {
	// beyond: earlier incarnations
	s := openSite(t, newShelves(), newLedger())
	s.o.timing.retryFor = time.Millisecond
	s.register("a", "one", "")
	s.shelves.fail("one", fault.New(fault.PluginUnavailable, "not there"))
	erase := func(want fault.Class, former int) {
		t.Helper()
		_, err := s.Erase(t.Context(), "a", "", Deletion{})
		e, estateErr := s.reg.Estate(t.Context(), "a")
		if !fault.Is(err, want) || estateErr != nil || len(e.Former) != former {
			t.Fatalf("%v; %v: %d earlier incarnations, want %d", err, estateErr, len(e.Former), former)
		}
	}
	for range 3 {
		erase(fault.PluginUnavailable, 1)
	}
	for i := 2; i <= bounds.MaxFormer; i++ {
		s.note("a")
		erase(fault.PluginUnavailable, i)
	}
	s.note("a")
	erase(fault.PluginUnavailable, bounds.MaxFormer) // it goes on with those before
	life := s.life("a")
	s.say("one", "a", life, "c", "u", "x")
	s.shelves.fail("one", nil)
	if erased, err := s.Erase(t.Context(), "a", "", Deletion{}); err != nil || erased.Turns != 1 {
		t.Fatalf("%+v, %v", erased, err)
	}
	if e, err := s.reg.Estate(t.Context(), "a"); err != nil || len(e.Former) != 0 || e.Life.Incarnation == life {
		t.Errorf("%+v, %v", e, err)
	}
}

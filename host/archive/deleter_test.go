package archive

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
)

// TestDeleter_sideBySide checks that a purge deletes in several storages at the same time, in
// bounds.DeletedAtOnce of them at most, and that the receipt lists the storages in their order.
//
// beyond: storages deleted from
func TestDeleter_sideBySide(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	var names []string
	for i := range 2*bounds.DeletedAtOnce + 1 {
		names = append(names, fmt.Sprint("storage", i))
	}
	var mu sync.Mutex
	busy, most := 0, 0
	together := make(chan struct{}) // closed when as many deletions run as may
	for _, name := range names {
		s.register("a", name, "")
		s.say(name, "a", s.incarnation("a"), "c", "u", "x")
		s.storages.get(name).Before = func(method string, _ sdk.Call) error {
			if method != "Delete" {
				return nil
			}
			mu.Lock()
			if busy++; busy > most {
				if most = busy; most == bounds.DeletedAtOnce {
					close(together)
				}
			}
			mu.Unlock()
			select {
			case <-together:
			case <-time.After(10 * time.Second):
				t.Error("the deletions wait for each other")
			}
			mu.Lock()
			busy--
			mu.Unlock()
			return nil
		}
	}
	snapshot, err := s.reg.Snapshot(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Purge(t.Context(), "a", DeletionOptions{})
	if err != nil || r.Turns != int64(len(names)) || len(r.Storages) != len(names) {
		t.Fatalf("%+v, %v", r, err)
	}
	if most > bounds.DeletedAtOnce {
		t.Errorf("%d deletions ran at once; want %d at most", most, bounds.DeletedAtOnce)
	}
	for i, b := range snapshot.Incarnation.Storages {
		if got := r.Storages[i].Storage; got != b.Label() {
			t.Errorf("entry %d of the receipt is of %s; want %s", i, got, b.Label())
		}
	}
}

// TestDeleter_sweepUntracked checks that a second sweep deletes late writes under an
// incarnation without a name. A storage cannot refuse these writes, because another host may
// write until it learns that the incarnation has ended.
func TestDeleter_sweepUntracked(t *testing.T) {
	for _, tracked := range []bool{true, false} {
		t.Run(fmt.Sprint("tracked ", tracked), func(t *testing.T) {
			on := newTestStorages()
			s := newTestHost(t, on, nil)
			purge := func() (int64, error) {
				r, err := s.Purge(t.Context(), "f", DeletionOptions{})
				if err != nil {
					return 0, err
				}
				return r.Turns, nil
			}
			if tracked {
				s = newTestHost(t, on, newTenantStore())
				if _, err := s.reg.Put(t.Context(), "f", config.FromMap("f", map[string]any{}), putFile); err != nil {
					t.Fatal(err)
				}
				purge = func() (int64, error) {
					e, err := s.Erase(t.Context(), "f", "", DeletionOptions{})
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
					// Before runs ahead of the deletion, so a goroutine waits for the end of the
					// deletion.
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
		})
	}
}

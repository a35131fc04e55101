package archive

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
)

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

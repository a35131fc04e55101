package admission

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"pgregory.net/rapid"
)

// queued starts an Acquire in a goroutine, and returns when that Acquire waits in the
// queue. got receives the result of Acquire.
func queued(t testing.TB, q *Queue, ctx context.Context, instance, tenant string, got func(release func(), err error)) {
	t.Helper()
	before := q.Waiting()
	go func() { got(q.Acquire(ctx, Claim{Instance: instance, Tenant: tenant})) }()
	eventually(t, 5*time.Second, "the call waits", func() bool { return q.Waiting() == before+1 })
}

func TestQueue_fairByTenant(t *testing.T) {
	q := NewQueue(1, nil)
	release, err := q.Acquire(context.Background(), Claim{Instance: "i", Tenant: "flood"})
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 600)
	var all sync.WaitGroup
	next := func(name string) func(func(), error) {
		all.Add(1)
		return func(release func(), err error) {
			defer all.Done()
			if err != nil {
				t.Error(err)
				return
			}
			order <- name
			release()
		}
	}
	for i := range 500 {
		queued(t, q, context.Background(), "i", "flood", next(fmt.Sprint("flood-", i)))
	}
	queued(t, q, context.Background(), "i", "quiet", next("quiet"))
	release()
	all.Wait()
	close(order)
	place, floods := -1, 0
	for n := 0; ; n++ {
		name, ok := <-order
		if !ok {
			break
		}
		if name == "quiet" {
			place = n
			continue
		}
		if want := fmt.Sprint("flood-", floods); name != want {
			t.Fatalf("%s was served before %s", name, want)
		}
		floods++
	}
	if place > 1 {
		t.Errorf("the quiet tenant was served after %d others, want at most 1", place)
	}
}

// TestQueue_boundsWaiting checks that Acquire fails at once if the tenant has
// bounds.WaitingCalls waiting calls, or if all tenants together have
// bounds.WaitingCallsOfAll.
//
// beyond: waiting calls
func TestQueue_boundsWaiting(t *testing.T) {
	q := NewQueue(1, nil)
	release, _ := q.Acquire(context.Background(), Claim{Instance: "i", Tenant: "a"})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for n := range bounds.WaitingCalls {
		instance := fmt.Sprint("i", n%7) // the bound counts the calls of all the tenant's instances
		all.Go(func() { _, _ = q.Acquire(ctx, Claim{Instance: instance, Tenant: "a"}) })
	}
	eventually(t, 5*time.Second, "all wait", func() bool { return q.Waiting() == bounds.WaitingCalls })
	_, err := q.Acquire(context.Background(), Claim{Instance: "i", Tenant: "a"})
	if f := fault.Of(err); f.Class != fault.RateLimited || f.RetryAfter == 0 {
		t.Errorf("err = %v, want rate_limited with a time", err)
	}
	q.mu.Lock()
	q.waiting += bounds.WaitingCallsOfAll - bounds.WaitingCalls // stands for waiting calls of other tenants
	q.mu.Unlock()
	_, err = q.Acquire(context.Background(), Claim{Instance: "i", Tenant: "b"})
	if f := fault.Of(err); f.Class != fault.PluginUnavailable || f.RetryAfter == 0 || f.Party != fault.PartyHost {
		t.Errorf("err = %v, want plugin_unavailable with a time", err)
	}
	q.mu.Lock()
	q.waiting -= bounds.WaitingCallsOfAll - bounds.WaitingCalls
	q.mu.Unlock()
	cancel()
	all.Wait()
	release()
	if q.free != 1 || q.Waiting() != 0 || len(q.places) != 0 {
		t.Errorf("left: %d free, %d waiting, %d tenants", q.free, q.Waiting(), len(q.places))
	}
}

func TestQueue_tellsWhyItGaveUp(t *testing.T) {
	q := NewQueue(1, nil)
	release, _ := q.Acquire(context.Background(), Claim{Instance: "i", Tenant: "a"})
	defer release()
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := q.Acquire(ctx, Claim{Instance: "i", Tenant: "a"}); !fault.Is(err, fault.Deadline) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
}

// TestQueue_laws runs random sequences of arriving, departing and canceled calls against a
// queue, and compares the queue with a model that has a list of calls for each tenant.
func TestQueue_laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 3).Draw(t, "slots")
		q := NewQueue(slots, nil)
		type arrival struct {
			tenant  string
			cancel  context.CancelFunc
			granted chan func()
			ended   chan error
		}
		var holding []func()
		waiting := map[string][]*arrival{}
		var turns []string // tenants with waiting calls; the tenant to be served next is first
		free := slots
		total := func() (n int) {
			for _, w := range waiting {
				n += len(w)
			}
			return n
		}
		settle := func(n int) {
			for end := time.Now().Add(5 * time.Second); q.Waiting() != n; {
				if time.Now().After(end) {
					t.Fatalf("%d wait, want %d", q.Waiting(), n)
				}
				time.Sleep(50 * time.Microsecond)
			}
		}
		dropTurn := func(tenant string) {
			for i, name := range turns {
				if name == tenant {
					turns = append(turns[:i:i], turns[i+1:]...)
					return
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				tenant := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tenant")
				ctx, cancel := context.WithCancel(context.Background())
				a := &arrival{tenant, cancel, make(chan func(), 1), make(chan error, 1)}
				go func() {
					release, err := q.Acquire(ctx, Claim{Instance: "i", Tenant: tenant})
					if err != nil {
						a.ended <- err
						return
					}
					a.granted <- release
				}()
				if free > 0 {
					free--
					holding = append(holding, <-a.granted)
					return
				}
				if len(waiting[tenant]) == 0 {
					turns = append(turns, tenant)
				}
				waiting[tenant] = append(waiting[tenant], a)
				settle(total())
			},
			"depart": func(t *rapid.T) {
				if len(holding) == 0 {
					t.Skip("no call runs")
				}
				holding[0]()
				holding = holding[1:]
				if len(turns) == 0 {
					free++
					return
				}
				tenant := turns[0]
				a := waiting[tenant][0]
				waiting[tenant] = waiting[tenant][1:]
				dropTurn(tenant)
				if len(waiting[tenant]) > 0 {
					turns = append(turns, tenant)
				}
				select {
				case release := <-a.granted:
					holding = append(holding, release)
				case <-time.After(30 * time.Second):
					t.Fatalf("the first waiting call of %s got no slot", tenant)
				}
			},
			"cancel": func(t *rapid.T) {
				if len(turns) == 0 {
					t.Skip("no call waits")
				}
				tenant := rapid.SampledFrom(turns).Draw(t, "tenant")
				n := rapid.IntRange(0, len(waiting[tenant])-1).Draw(t, "n")
				a := waiting[tenant][n]
				a.cancel()
				if err := <-a.ended; !fault.Is(err, fault.Canceled) {
					t.Fatalf("err = %v", err)
				}
				waiting[tenant] = append(waiting[tenant][:n:n], waiting[tenant][n+1:]...)
				if len(waiting[tenant]) == 0 {
					dropTurn(tenant)
				}
				settle(total())
			},
			"": func(t *rapid.T) {
				if free > 0 && total() > 0 {
					t.Fatal("calls wait while a slot is free")
				}
				if len(holding)+free != slots {
					t.Fatalf("%d slots are used and %d free, of %d", len(holding), free, slots)
				}
			},
		})
		for _, w := range waiting {
			for _, a := range w {
				a.cancel()
				<-a.ended
			}
		}
		for _, release := range holding {
			release()
		}
		if q.free != slots || len(q.places) != 0 || q.turns.Len() != 0 {
			t.Fatalf("left: %d free of %d, %d tenants", q.free, slots, len(q.places))
		}
	})
}

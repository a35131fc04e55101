package follow

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func retracted(r memory.Retraction) string { return fmt.Sprintf("retract %d to %d", r.From, r.To) }

// bench is a storage and a memory that followers of any number of hosts use.
type bench struct {
	t       *testing.T
	storage *clockedStorage
	memory  *fakeMemory
	key     string
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, storage: newClockedStorage(t), memory: &fakeMemory{kept: map[string][]string{}}, key: "k"}
}

// host returns the follower of one host.
func (b *bench) host(name string) *Follower {
	return New(Options{Holder: name, Open: func(_ context.Context, tenant string) (*Source, func(), error) {
		return b.source(tenant), func() {}, nil
	}})
}

func (b *bench) source(tenant string) *Source {
	return &Source{Call: sdk.Call{Tenant: tenant}, Storage: b.storage, Cursors: b.storage, Memory: b.memory, StoreKey: b.key}
}

// follow makes steps of the tenant until there is no more to do.
func (b *bench) follow(f *Follower, tenant string) {
	b.t.Helper()
	for range 10_000 {
		due, err := f.step(b.t.Context(), tenant)
		if err != nil {
			b.t.Fatal(err)
		}
		if due != now {
			return
		}
	}
	b.t.Fatal("there is always more to do")
}

func (b *bench) want(want ...[]string) {
	b.t.Helper()
	slices.SortFunc(want, slices.Compare)
	if got := b.memory.all(); !reflect.DeepEqual(got, want) {
		b.t.Errorf("the memory has %q; want %q", got, want)
	}
}

func TestFollower_step_inOrderOnce(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	b.storage.say("a", "c", "failed", storage.Failed, 0)
	b.storage.say("a", "c", "two", storage.Succeeded, 0)
	b.storage.say("a", "d", "three", storage.Succeeded, 0)
	b.storage.say("b", "c", "of another tenant", storage.Succeeded, 0)
	b.follow(b.host("h"), "a")
	b.want([]string{"one", "two"}, []string{"three"})
	b.storage.say("a", "c", "four", storage.Succeeded, 0)
	b.follow(b.host("h again"), "a") // another run of the host
	b.want([]string{"one", "two", "four"}, []string{"three"})
}

func TestFollower_step_runningTurn(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	b.storage.say("a", "c", "running", storage.Running, 0)
	if _, err := b.host("h").step(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	b.want([]string{"one"})
}

func TestFollower_step_retractions(t *testing.T) {
	b := newBench(t)
	f := b.host("h")
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	b.storage.say("a", "c", "two", storage.Succeeded, 0)
	b.follow(f, "a")
	b.storage.say("a", "c", "instead of two", storage.Succeeded, 2)
	b.storage.say("a", "c", "not for long", storage.Succeeded, 0)
	b.storage.say("a", "c", "fails, and still retracts", storage.Failed, 4)
	b.follow(f, "a")
	b.want([]string{"one", "two", "retract 2 to 2", "instead of two", "retract 4 to 4"})
}

func TestFollower_step_pages(t *testing.T) {
	b := newBench(t)
	b.memory.most = 7
	var want []string
	for i := range 3*readTurns + 5 {
		text := fmt.Sprint("turn ", i)
		b.storage.say("a", "c", text, storage.Succeeded, 0)
		want = append(want, text)
	}
	b.follow(b.host("h"), "a")
	b.want(want)
}

// TestFollower_step_deadHost checks that another host goes on where a dead one has stopped, and that
// only the batch in flight is remembered twice.
func TestFollower_step_deadHost(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	dead := b.source("a")
	res, err := dead.Cursors.Claim(t.Context(), &storage.ClaimRequest{Call: dead.Call, StoreKey: "k", Holder: "dead", Lease: Lease, Limit: 9, Kind: storage.ClaimAll})
	if err != nil || len(res.Claimed) != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	b.follow(b.host("h"), "a")
	b.want()
	b.storage.pass(Lease + time.Second)
	b.follow(b.host("h"), "a")
	b.want([]string{"one"})
	err = dead.Cursors.Advance(t.Context(), &storage.AdvanceRequest{Call: dead.callOf("c"), StoreKey: "k", Holder: "dead",
		Incarnation: res.Claimed[0].Incarnation, Sequence: 1})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("the dead host advances: %v", err)
	}
}

// TestFollower_step_deletedMeanwhile checks that a conversation that is deleted while the memory
// remembers it is forgotten afterwards, and that a new one under its id is not.
func TestFollower_step_deletedMeanwhile(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "old", storage.Succeeded, 0)
	once := false
	b.memory.before = func(sdk.Call) error {
		if !once {
			once = true
			b.storage.remove("a", "c")
			b.storage.say("a", "c", "new", storage.Succeeded, 0)
		}
		return nil
	}
	b.follow(b.host("h"), "a")
	b.want([]string{"new"})
}

func TestFollower_step_changedStoreKey(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	b.follow(b.host("h"), "a")
	b.key = "other"
	b.follow(b.host("h"), "a")
	b.want([]string{"one", "one"})
	b.key = "k"
	b.follow(b.host("h"), "a") // nothing is new for the first key
	b.want([]string{"one", "one"})
	b.storage.remove("a", "c")
	b.follow(b.host("h"), "a")
	b.want()
}

// TestFollower_step_oneConversationFails checks that the others are followed nevertheless, and that
// the failed one is tried again after the lease.
func TestFollower_step_oneConversationFails(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "bad", storage.Succeeded, 0)
	b.storage.say("a", "d", "good", storage.Succeeded, 0)
	bad := true
	b.memory.before = func(call sdk.Call) error {
		if bad && call.Conversation == "c" {
			return fault.New(fault.Invalid, "cannot be remembered")
		}
		return nil
	}
	f := b.host("h")
	if _, err := f.step(t.Context(), "a"); !fault.Is(err, fault.Invalid) {
		t.Errorf("the step ends with %v; want the failure of one conversation", err)
	}
	b.want([]string{"good"})
	bad = false
	b.follow(f, "a")
	b.want([]string{"good"}) // the failed one is still claimed
	b.storage.pass(Lease + time.Second)
	b.follow(f, "a")
	b.want([]string{"bad"}, []string{"good"})
}

// TestFollower_step_memoryDown checks that a step ends at once if the memory does not answer, and
// gives back what it has claimed.
func TestFollower_step_memoryDown(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		b.storage.say("a", fmt.Sprint("c", i), "hi", storage.Succeeded, 0)
	}
	calls := 0
	b.memory.before = func(sdk.Call) error {
		calls++
		return fault.New(fault.PluginUnavailable, "down")
	}
	if _, err := b.host("h").step(t.Context(), "a"); !fault.Is(err, fault.PluginUnavailable) || calls != 1 {
		t.Errorf("%v after %d calls; want one call that failed", err, calls)
	}
	b.memory.before = nil
	b.follow(b.host("another"), "a")
	if got := len(b.memory.all()); got != 5 {
		t.Errorf("%d conversations were followed; want all 5, which were given back", got)
	}
}

func TestFollower_step_work(t *testing.T) {
	b := newBench(t)
	b.memory.rounds = 3
	b.follow(b.host("h"), "a")
	if want := []string{"", "w", "ww"}; !reflect.DeepEqual(b.memory.works, want) {
		t.Errorf("Work was called with %q; want %q", b.memory.works, want)
	}
	b.follow(b.host("h"), "a")
	if n := len(b.memory.works); n != 4 || b.memory.works[3] != "www" {
		t.Errorf("Work was called with %q; want one more call with the stored cursor", b.memory.works)
	}
}

// TestFollower_step_largeCursor checks that a memory whose cursor is too large has failed, and keeps the
// cursor that it had.
func TestFollower_step_largeCursor(t *testing.T) {
	// beyond: cursor
	b := newBench(t)
	b.memory.rounds, b.memory.adds = 9, sdk.MaxCursorBytes
	if _, err := b.host("h").step(t.Context(), "a"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cursor of more than %d bytes: %v", sdk.MaxCursorBytes, err)
	}
	b.storage.pass(Lease + time.Second)
	res, err := b.storage.Claim(t.Context(), &storage.ClaimRequest{Call: b.source("a").Call, StoreKey: "k", Holder: "another", Lease: Lease, Limit: 1, Kind: storage.ClaimWork})
	if err != nil || len(res.Claimed) != 1 || len(res.Claimed[0].Data) != sdk.MaxCursorBytes {
		t.Errorf("the stored cursor is %+v; want %d bytes (%v)", res, sdk.MaxCursorBytes, err)
	}
}

func TestSource_Drain(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	b.storage.say("a", "d", "two", storage.Succeeded, 0)
	b.follow(b.host("h"), "a")
	b.storage.remove("a", "c")
	down := errors.New("down")
	b.memory.before = func(sdk.Call) error { return down }
	if err := b.source("a").Drain(t.Context(), "h", "c"); err == nil {
		t.Error("a memory that is down has forgotten")
	}
	b.memory.before = nil
	// The same host repeats it at once.
	if err := b.source("a").Drain(t.Context(), "h", "c"); err != nil {
		t.Error(err)
	}
	b.want([]string{"two"})
	if err := b.source("a").Drain(t.Context(), "h", ""); err != nil {
		t.Errorf("with nothing to forget: %v", err)
	}
}

// TestSource_Drain_waits checks that Drain waits for a host that is just telling the memory of the
// conversation.
func TestSource_Drain_waits(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	deleted, drained := make(chan struct{}), make(chan error, 1)
	b.memory.before = func(call sdk.Call) error {
		select {
		case <-deleted:
		default:
			b.storage.remove("a", "c")
			close(deleted)
			go func() { drained <- b.source("a").Drain(context.Background(), "another", "c") }()
		}
		return nil
	}
	b.follow(b.host("h"), "a")
	if err := <-drained; err != nil {
		t.Error(err)
	}
	b.want()
}

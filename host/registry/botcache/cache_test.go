package botcache

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/fault"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// owner owns a Cache and counts the bots that are built and freed.
type owner struct {
	sync.Mutex
	*Cache
	now          time.Time
	built, freed int
	err          error // the error of each build
}

func newOwner(t *testing.T, size int) *owner {
	t.Helper()
	o := &owner{now: time.Unix(1000, 0)}
	var err error
	o.Cache, err = New(Options{Lock: &o.Mutex, TTL: time.Minute, Size: size, BuildTimeout: time.Minute, Now: func() time.Time { return o.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.Lock()
		o.ShutLocked()
		o.Unlock()
		if err := o.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		if o.err == nil && o.built != o.freed {
			t.Errorf("%d bots were built and %d freed", o.built, o.freed)
		}
	})
	return o
}

// acquire returns a lease of the cached bot, or else of a newly built bot.
func (o *owner) acquire(t *testing.T, id string) (*Lease, error) {
	o.Lock()
	if l := o.GetLocked(id); l != nil {
		o.Unlock()
		return l, nil
	}
	b := o.BuildLocked(id, func(context.Context) (Built, error) {
		o.Lock()
		defer o.Unlock()
		o.built++
		return Built{Bot: &bot.Bot{}, Release: func() {
			o.Lock()
			defer o.Unlock()
			o.freed++
		}}, o.err
	})
	o.Unlock()
	return b.Wait(t.Context())
}

func TestCache(t *testing.T) {
	t.Run("lends a bot until its time is over", func(t *testing.T) {
		o := newOwner(t, 10)
		for want := range 2 {
			for _, cached := range []bool{false, true} {
				l, err := o.acquire(t, "a")
				if err != nil || l.Cached != cached || o.built != want+1 {
					t.Fatalf("cached %v, %d built, %v", l.Cached, o.built, err)
				}
				l.Release()
			}
			o.Lock()
			o.now = o.now.Add(time.Minute)
			o.Unlock()
		}
	})
	t.Run("evicts the bot that was used least recently", func(t *testing.T) {
		o := newOwner(t, 1)
		for _, id := range []string{"a", "b"} {
			l, err := o.acquire(t, id)
			if err != nil {
				t.Fatal(err)
			}
			l.Release()
		}
		if list := o.List(); len(list) != 1 || list[0].Tenant != "b" {
			t.Errorf("%+v are cached", list)
		}
	})
	t.Run("frees a forgotten bot after its last lease", func(t *testing.T) {
		o := newOwner(t, 10)
		l, err := o.acquire(t, "a")
		if err != nil {
			t.Fatal(err)
		}
		o.Lock()
		o.ForgetLocked("a")
		freed := o.freed
		o.Unlock()
		if freed != 0 {
			t.Error("freed under its lease")
		}
		l.Release()
	})
}

func TestCache_failures(t *testing.T) {
	known := func(err error) error {
		o := newOwner(t, 10)
		o.err = err
		if _, got := o.acquire(t, "a"); !errors.Is(got, fault.Of(err)) && got.Error() != fault.Of(err).Error() {
			t.Errorf("the build failed with %v; want %v", got, err)
		}
		o.Lock()
		defer o.Unlock()
		return o.FailureLocked("a")
	}
	wrong := fault.New(fault.Invalid, "wrong")
	if known(wrong) == nil {
		t.Error("a failure is not taken down")
	}
	if known(fault.New(fault.Canceled, "left")) != nil {
		t.Error("a build that was given up is taken down")
	}
	if why := known(&Inconclusive{Err: wrong}); why != nil {
		t.Errorf("an inconclusive build is taken down: %v", why)
	}
}

package archive

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// TestRetentionQueue_hangingStorages checks that storages that hang do not delay the tenants of
// other storages. One tenant has many storages that hang, and many tenants share one storage
// that hangs.
func TestRetentionQueue_hangingStorages(t *testing.T) {
	// beyond: retention
	s := newTestHost(t, newTestStorages(), newTenantStore())
	hang := make(chan struct{})
	hung := func(name string) {
		s.storages.get(name).Before = func(method string, _ sdk.Call) error {
			if method == "List" {
				<-hang
			}
			return nil
		}
	}
	// The tenant with many storages is the first by its id, so its visits are queued first.
	for i := range 3 * bounds.RetainAtOnce {
		name := fmt.Sprint("hung", i)
		s.register("a", name, keepsAWeek)
		hung(name)
	}
	for i := range 20 {
		s.register(fmt.Sprint("b", i), "shared", keepsAWeek)
	}
	hung("shared")
	for i := range 20 {
		id := fmt.Sprint("c", i)
		s.register(id, fmt.Sprint("good", i%5), keepsAWeek)
		s.past(fmt.Sprint("good", i%5), id, "old", 8, 1)
	}
	ended := make(chan Retained, 1)
	go func() {
		done, err := s.Retain(context.Background())
		if err != nil {
			t.Error(err)
		}
		ended <- done
	}()
	for i := range 20 {
		id := fmt.Sprint("c", i)
		for end := time.Now().Add(time.Minute); s.count(fmt.Sprint("good", i%5), id, s.incarnation(id)) > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s waits for others' storages", id)
			}
		}
	}
	select {
	case done := <-ended:
		t.Errorf("it ended though storages hang: %+v", done)
	default:
	}
	close(hang)
	if done := <-ended; done.Failed != 0 || done.Conversations != 20 || done.Tenants != 41 {
		t.Errorf("%+v", done)
	}
}

// TestRetentionQueue_givesUpAStorage checks that a pass makes no more visits to a storage after
// bounds.RetainFailures visits in a row have failed.
func TestRetentionQueue_givesUpAStorage(t *testing.T) {
	// beyond: retention failures
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.o.timing.retryFor = time.Nanosecond
	for i := range 10 {
		s.register(fmt.Sprint("a", i), "one", keepsAWeek)
	}
	var mu sync.Mutex
	asked := 0
	s.storages.get("one").Before = func(method string, _ sdk.Call) error {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked == 2 {
			return fault.New(fault.Invalid, "of this tenant alone")
		}
		return fault.New(fault.PluginUnavailable, "not there")
	}
	if done, err := s.Retain(t.Context()); err != nil || done.Failed != 10 || asked != 2+bounds.RetainFailures {
		t.Errorf("%+v, %v; asked %d times", done, err, asked)
	}
}

// TestRetentionQueue_longVisitEndsEarly checks that a tenant with many old conversations does
// not delay the other tenants of its storage.
func TestRetentionQueue_longVisitEndsEarly(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.o.timing.visit = 0 // a visit ends after one conversation
	s.register("a", "one", keepsAWeek)
	for i := range 5 {
		s.past("one", "a", fmt.Sprint("old", i), 8, 1)
	}
	s.register("b", "one", keepsAWeek)
	s.past("one", "b", "old", 8, 1)
	// The first tenant is visited before the other tenants are queued. So its first deletion
	// waits until the last tenant is queued.
	s.register("c", "two", keepsAWeek)
	s.past("two", "c", "old", 8, 1)
	known := make(chan struct{})
	s.storages.get("two").Before = func(method string, _ sdk.Call) error {
		if method == "Delete" {
			close(known)
		}
		return nil
	}
	var order []string
	s.storages.get("one").Before = func(method string, call sdk.Call) error {
		if method == "Delete" {
			<-known
			order = append(order, call.Tenant)
		}
		return nil
	}
	if done, err := s.Retain(t.Context()); err != nil || done.Conversations != 7 || !slices.Contains(order[:2], "b") {
		t.Errorf("%+v, %v: %q", done, err, order)
	}
}

package tenantdir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
)

// slowTarget is a target whose Apply blocks for each tenant with the prefix "slow", until it
// gets a value from goOn or its context ends.
type slowTarget struct {
	*fakeTarget
	mu    sync.Mutex
	at    map[string]int // running calls of Apply, by tenant
	most  int
	goOn  chan struct{}
	begun chan string
}

func newSlowTarget(b *fakeTarget) *slowTarget {
	return &slowTarget{fakeTarget: b, at: map[string]int{}, goOn: make(chan struct{}), begun: make(chan string, 1000)}
}

func (s *slowTarget) Apply(ctx context.Context, id, path string, doc *config.Document) ([]config.Path, error) {
	if !strings.HasPrefix(id, "slow") {
		return s.fakeTarget.Apply(ctx, id, path, doc)
	}
	s.mu.Lock()
	if s.at[id]++; s.at[id] > 1 {
		s.mu.Unlock()
		return nil, fmt.Errorf("%s is applied twice at once", id)
	}
	s.most = max(s.most, len(s.at))
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.at, id)
	}()
	s.begun <- id
	select {
	case <-s.goOn:
		return s.fakeTarget.Apply(ctx, id, path, doc)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestApplyQueue_slowTarget checks that a tenant whose Apply takes long does not delay other
// tenants or the methods of the Follower. If the file is removed during Apply, the tenant must
// not be served afterwards.
func TestApplyQueue_slowTarget(t *testing.T) {
	r := newRig(t)
	target := newSlowTarget(r.fakeTarget)
	r.Follower.o.Target = target
	ctx, cancel := context.WithCancel(t.Context())
	if err := r.Load(ctx); err != nil {
		t.Fatal(err)
	}
	r.Follower.o.timing.applyWait = time.Millisecond
	ran := make(chan struct{})
	go func() { defer close(ran); r.Follower.Run(ctx) }()
	r.write("slow.yaml", "v: 1")
	r.write("slower.yaml", "v: 1")
	<-target.begun
	<-target.begun
	r.write("quick.yaml", "v: 1")
	r.eventually("another is served", r.serves("quick", "1"))
	r.write("quick.yaml", "v: 2")
	r.eventually("and changes", r.serves("quick", "2"))
	r.Ignored()
	r.Held()
	r.RetryRefused()
	r.ConfirmRemoved()
	r.write("slow.yaml", "v: 2") // while the first version of the file is being applied
	_ = os.Remove(r.in("slower.yaml"))
	r.write("last.yaml", "v: 1") // When this file is served, a scan has seen the two changes before.
	r.eventually("they are seen", r.serves("last", "1"))
	close(target.goOn)
	r.eventually("the newest is served", r.serves("slow", "2"))
	r.eventually("what is gone is not", r.serves("slower", ""))
	cancel()
	<-ran
}

// TestApplyQueue_bounded checks that at most bounds.FilesAppliedAtOnce files are applied at
// once, and that a canceled Load waits for them.
func TestApplyQueue_bounded(t *testing.T) {
	r := newRig(t)
	target := newSlowTarget(r.fakeTarget)
	r.Follower.o.Target = target
	for i := range bounds.FilesAppliedAtOnce + 10 {
		r.write(fmt.Sprintf("slow%d.yaml", i), "v: 1")
	}
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan error, 1)
	go func() { loaded <- r.Load(ctx) }()
	for range bounds.FilesAppliedAtOnce {
		<-target.begun
	}
	// beyond: files applied at once
	target.goOn <- struct{}{}
	<-target.begun // the next file starts after one has ended
	cancel()
	if err := <-loaded; err == nil {
		t.Error("it loaded")
	}
	target.mu.Lock()
	defer target.mu.Unlock()
	if target.most != bounds.FilesAppliedAtOnce || len(target.at) != 0 {
		t.Errorf("%d at once, and %d are left", target.most, len(target.at))
	}
}

// TestApplyQueue_waitsUntilSettled checks that a file is not read while it changes, because a
// half-written file can be valid.
func TestApplyQueue_waitsUntilSettled(t *testing.T) {
	r, pass := clocked(t, 0)
	for i := range 10 {
		put(t, r.dir, "a.yaml", fmt.Sprintf("v: %d\n", 10000+i))
		now := time.Now().Add(time.Duration(i) * time.Millisecond)
		must(t, os.Chtimes(filepath.Join(r.dir, "a.yaml"), now, now))
		pass(defaultTiming.settle - 10*time.Millisecond)
	}
	if r.applied != 0 {
		t.Errorf("read %d times while it changed", r.applied)
	}
	pass(defaultTiming.settle)
	if !r.serves("a", "10009")() || r.applied != 1 {
		t.Errorf("served %v, applied %d times", r.served, r.applied)
	}
}

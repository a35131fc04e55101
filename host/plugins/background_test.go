package plugins

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// background is the optional interface of a storage through which host/bot runs background
// tasks.
type background interface {
	RunInBackground(f func(ctx context.Context, s storage.Storage)) bool
}

func beginOn(ctx context.Context, s storage.Storage) error {
	_, err := s.Begin(ctx, &storage.BeginRequest{Call: sdk.Call{Tenant: "t", Conversation: "c"},
		Messages: storage.EncodeMessages(chat.Text(chat.User, "hello")), Holder: "h", Lease: time.Minute, Attempt: "a"})
	return err
}

func TestRunInBackground_instanceStays(t *testing.T) {
	h := realHost(t, "botyard-storage-memory")
	i := h.open(Spec{Kind: "storage", Name: "memory"})
	given, tried, end := make(chan struct{}), make(chan error), make(chan struct{})
	if !i.Storage().(background).RunInBackground(func(ctx context.Context, s storage.Storage) {
		<-given
		tried <- beginOn(ctx, s)
		<-end
	}) {
		t.Fatal("the task does not run")
	}
	i.Close()
	held := func() int { return len(h.instancesOf(i.sup)) }
	if held() != 1 {
		t.Error("the task does not hold the instance")
	}
	close(given)
	if err := <-tried; err != nil {
		t.Error(err)
	}
	if err := beginOn(context.Background(), i.Storage()); err == nil {
		t.Error("a closed instance takes calls")
	}
	close(end)
	eventually(t, 5*time.Second, "the instance is released after the task", func() bool { return held() == 0 })
}

// TestRunInBackground_endsWithTheManager checks that at most bounds.BackgroundTasks tasks run on an
// instance, that Close of the manager ends their contexts and waits for them, and that no
// task starts after Close.
//
// beyond: tasks in the background
func TestRunInBackground_endsWithTheManager(t *testing.T) {
	h := realHost(t, "botyard-storage-memory")
	i := h.open(Spec{Kind: "storage", Name: "memory"})
	s := i.Storage().(background)
	var ended atomic.Int32
	wait := func(ctx context.Context, _ storage.Storage) {
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond)
		ended.Add(1)
	}
	for n := range bounds.BackgroundTasks + 1 {
		if runs := s.RunInBackground(wait); runs != (n < bounds.BackgroundTasks) {
			t.Fatalf("with %d running tasks, RunInBackground returns %t", n, runs)
		}
	}
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if n := ended.Load(); n != bounds.BackgroundTasks {
		t.Errorf("%d tasks ended before Close returned", n)
	}
	if s.RunInBackground(wait) {
		t.Error("the task runs on a closed manager")
	}
}

// TestRunInBackground_releasedInstance checks that RunInBackground returns false after the release of
// the instance, because the plugin no longer knows the instance.
func TestRunInBackground_releasedInstance(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = time.Millisecond }}, "test")
	i := h.open(Spec{Name: "test"})
	i.Close()
	eventually(t, 5*time.Second, "it is released", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.instances) == 0
	})
	if i.Storage().(background).RunInBackground(func(context.Context, storage.Storage) {}) {
		t.Error("the task runs on a released instance")
	}
}

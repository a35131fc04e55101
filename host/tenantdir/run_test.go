package tenantdir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.write("b.yaml", "v: 1\n")
	r.write("notes.txt", "v: 1\n")
	r.write(".hidden.hcl", `v = 1`)
	r.load()
	if len(r.served) != 2 {
		t.Fatalf("served %v", r.served)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Follower.Run(ctx) })
	defer wg.Wait()
	defer stop()

	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.hcl", `v = 2`)
	r.eventually("a change applies", r.serves("a", "2"))
	put("c.json", `{"v": 3}`)
	r.eventually("a new file applies", r.serves("c", "3"))
	put("a.hcl", `v = `)
	r.eventually("a bad file is refused", func() bool { _, err := r.get("a"); return err != nil })
	if v, _ := r.get("a"); v != "2" {
		t.Errorf("a bad file took the place of the last good one: %q", v)
	}
	put("a.hcl", `v = 4`)
	r.eventually("a mended file applies", r.serves("a", "4"))
	if err := os.Remove(filepath.Join(r.dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	r.eventually("a removed file stops its tenant", r.serves("b", ""))
	// Some editors save a file by writing another file and renaming it.
	put(".a.tmp", `v = 5`)
	if err := os.Rename(filepath.Join(r.dir, ".a.tmp"), filepath.Join(r.dir, "a.hcl")); err != nil {
		t.Fatal(err)
	}
	r.eventually("a renamed file applies", r.serves("a", "5"))
	put("a.yaml", "v: 6\n")
	time.Sleep(150 * time.Millisecond)
	if v, _ := r.get("a"); v != "5" {
		t.Errorf("a newcomer took a taken id: %q", v)
	}
	if err := os.Remove(filepath.Join(r.dir, "a.hcl")); err != nil {
		t.Fatal(err)
	}
	r.eventually("the id is free for the other", r.serves("a", "6"))
}

// TestRun_endsDuringRead checks that the end of the context ends a read of a file system that
// does not respond.
func TestRun_endsDuringRead(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.load()
	reading := make(chan struct{})
	r.o.read = func(ctx context.Context, _ string) ([]byte, error) {
		close(reading)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan struct{})
	go func() { defer close(ended); r.Follower.Run(ctx) }()
	put(t, r.dir, "a.hcl", "v = 2")
	for _, next := range []struct {
		what string
		is   chan struct{}
	}{{"it is read", reading}, {"the follower ends", ended}} {
		select {
		case <-next.is:
			stop()
		case <-time.After(60 * time.Second):
			t.Fatal("never: " + next.what)
		}
	}
	if v, refused := r.get("a"); v != "1" || refused != nil {
		t.Errorf("that it was broken off counts against the file: %q %v", v, refused)
	}
}

func TestRun_unwatchedFolder(t *testing.T) {
	// In the worst case a file changes right after a scan. The next scan sees the change
	// timing.poll later, and the last check of pending files comes a third of timing.settle
	// after the file has settled.
	if worst := defaultTiming.poll + defaultTiming.settle + defaultTiming.settle/3; worst > 1500*time.Millisecond {
		t.Errorf("a change applies after %s: two seconds are promised, and applying takes some of them", worst)
	}
	r := newRig(t)
	r.o.watcher, r.o.timing = unwatched, defaultTiming
	r.write("a.hcl", `v = 1`)
	r.follow()
	for i := 2; i < 5; i++ {
		put(t, r.dir, "a.hcl", fmt.Sprint("v = ", i))
		r.eventually("it applies", r.serves("a", fmt.Sprint(i)))
	}
}

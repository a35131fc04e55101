package tenantdir

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
)

// slow is a board that takes its time for some tenants: until it is let, or the end.
type slow struct {
	*board
	mu    sync.Mutex
	at    map[string]int // Applies at work
	most  int
	goOn  chan struct{}
	begun chan string
}

func newSlow(b *board) *slow {
	return &slow{board: b, at: map[string]int{}, goOn: make(chan struct{}), begun: make(chan string, 1000)}
}

func (s *slow) Apply(ctx context.Context, id, path string, doc *config.Document) ([]config.Path, error) {
	if !strings.HasPrefix(id, "slow") {
		return s.board.Apply(ctx, id, path, doc)
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
		return s.board.Apply(ctx, id, path, doc)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestSettle_slow: a tenant whose settings take long stops no other's, nor who asks about
// the files; when its file goes meanwhile, it is not served.
func TestSettle_slow(t *testing.T) {
	r := newRig(t)
	target := newSlow(r.board)
	r.Follower.o.Target = target
	ctx, cancel := context.WithCancel(t.Context())
	if err := r.Load(ctx); err != nil {
		t.Fatal(err)
	}
	r.Follower.o.timing.patience = time.Millisecond
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
	r.Retry()
	r.ConfirmRemoved()
	r.write("slow.yaml", "v: 2") // while the former is applied
	_ = os.Remove(r.in("slower.yaml"))
	r.write("last.yaml", "v: 1") // a look after both
	r.eventually("they are seen", r.serves("last", "1"))
	close(target.goOn)
	r.eventually("the newest is served", r.serves("slow", "2"))
	r.eventually("what is gone is not", r.serves("slower", ""))
	cancel()
	<-ran
}

// TestSettle_many: so many files are on their way at once, and the end is waited for.
func TestSettle_many(t *testing.T) {
	r := newRig(t)
	target := newSlow(r.board)
	r.Follower.o.Target = target
	for i := range bounds.FilesJudgedAtOnce + 10 {
		r.write(fmt.Sprintf("slow%d.yaml", i), "v: 1")
	}
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan error, 1)
	go func() { loaded <- r.Load(ctx) }()
	for range bounds.FilesJudgedAtOnce {
		<-target.begun
	}
	// beyond: files judged at once
	target.goOn <- struct{}{}
	<-target.begun // one for the one that ended
	cancel()
	if err := <-loaded; err == nil {
		t.Error("it loaded")
	}
	target.mu.Lock()
	defer target.mu.Unlock()
	if target.most != bounds.FilesJudgedAtOnce || len(target.at) != 0 {
		t.Errorf("%d at once, and %d are left", target.most, len(target.at))
	}
}

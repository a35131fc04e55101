package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestOrphans(t *testing.T) {
	// beyond: orphan turns
	var o OrphanCap
	var release []func()
	take := func(tenant string, bytes int) bool {
		f, ok := o.reserve(tenant, bytes)
		if ok {
			release = append(release, f)
		}
		return ok
	}
	for range bounds.MaxOrphans {
		if !take("a", 1) {
			t.Fatal("one of those that a tenant may have is refused")
		}
	}
	if take("a", 1) || !take("b", bounds.MaxOrphanBytes) || take("b", 1) {
		t.Error("one tenant has more, or another fewer")
	}
	for i := range bounds.MaxAllOrphanBytes / bounds.MaxOrphanBytes {
		take(fmt.Sprint("large", i), bounds.MaxOrphanBytes-bounds.MaxOrphans)
	}
	for i := range 2 * bounds.MaxAllOrphans {
		take(fmt.Sprint("tenant", i), 0)
	}
	if o.all.turns != bounds.MaxAllOrphans || o.all.bytes > bounds.MaxAllOrphanBytes {
		t.Errorf("all: %+v", o.all)
	}
	for _, f := range release {
		f()
	}
	if o.all != (orphanCount{}) || len(o.tenants) != 0 {
		t.Errorf("%+v of %d tenants after the last", o.all, len(o.tenants))
	}
}

// A storage that does not answer for longer than one waits is left alone.
func TestOrphansAreGivenUp(t *testing.T) {
	// beyond: orphan turn's time
	synctest.Test(t, func(t *testing.T) {
		s := newLasting(&logStorage{lost: map[string][]error{"begin": away(10 * often)}})
		defer s.close()
		b := newTestBot(s, nil)
		_, err := b.Chat(context.Background(), hi, nil)
		wantClass(t, err, fault.PluginUnavailable)
		time.Sleep(bounds.OrphanTimeout + time.Minute)
		n, _ := s.counts()
		time.Sleep(time.Hour)
		if m, _ := s.counts(); m != n || n == 0 {
			t.Errorf("%d tries, then %d", n, m-n)
		}
		s.running.Wait()
		if b.Orphans.all.turns != 0 {
			t.Errorf("it counts as %+v", b.Orphans.all)
		}
	})
}

// Where its reply has no room it is ended without.
func TestAnOrphanWithoutRoomForItsReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLasting(&logStorage{faults: map[string][]error{"commit": away(30)}})
		defer s.close()
		b := newTestBot(s, &scriptLLM{words: []string{strings.Repeat("word ", 1000)}})
		release, _ := b.Orphans.reserve("acme", bounds.MaxOrphanBytes-4000)
		if _, err := b.Chat(context.Background(), hi, nil); err == nil {
			t.Fatal("acknowledged")
		}
		s.running.Wait()
		if last := s.last(t); last.State != storage.Interrupted || len(last.Messages) != 0 || len(last.Record) == 0 {
			t.Errorf("%+v", last)
		}
		release()
		if b.Orphans.all.turns != 0 {
			t.Errorf("%+v", b.Orphans.all)
		}
	})
}

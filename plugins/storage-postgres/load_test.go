package pgstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// talks is the number of conversations in a load. It is a little more than the maximum of
// connections in a pool, so that some turns wait for a connection.
const talks = 32

// recovery is how long turns may still fail after the database works again. Usually they fail for a
// few seconds, and longer on a busy machine.
const recovery = 30 * time.Second

// meanwhile is the maximum time that a load may need for 2*talks turns after a fault. It is also
// the statement timeout of wide.
const meanwhile = 5 * time.Second

// load runs turns in many conversations at once. Like a host, it repeats calls whose outcome is
// uncertain. It records the turns whose Commit has succeeded.
type load struct {
	t     *testing.T
	store func(i int) *Store // returns the Store for conversation i
	stop  chan struct{}
	wg    sync.WaitGroup
	ended atomic.Int64 // number of turns that have ended
	last  atomic.Int64 // end of the newest turn, in Unix nanoseconds
	acked [talks][]string
}

func startLoad(t *testing.T, store func(i int) *Store) *load {
	l := &load{t: t, store: store, stop: make(chan struct{})}
	for i := range talks {
		l.wg.Go(func() { l.talk(i) })
	}
	return l
}

func (l *load) talk(i int) {
	c := call("t", fmt.Sprint("c", i))
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		default:
		}
		text := fmt.Sprint(i, " ", n)
		begin := &storage.BeginRequest{Call: c, Messages: said(text), Tail: 4, Holder: "h", Lease: time.Hour, Attempt: rand.Text()}
		var res *storage.BeginResult
		err := l.repeat(func(ctx context.Context) (err error) {
			res, err = l.store(i).Begin(ctx, begin)
			return err
		})
		if err != nil || res.Started == nil {
			l.t.Errorf("begin %s: %+v, %v", text, res, err)
			return
		}
		commit := &storage.CommitRequest{Call: c, Fence: res.Started.Fence, State: storage.Succeeded,
			Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "re: "+text))}
		var number int64
		err = l.repeat(func(ctx context.Context) (err error) {
			number, err = l.store(i).Commit(ctx, commit)
			return err
		})
		if err != nil || number != int64(n+1) {
			l.t.Errorf("commit %s: number %d, %v", text, number, err)
			return
		}
		l.acked[i] = append(l.acked[i], text)
		l.ended.Add(1)
		l.last.Store(time.Now().UnixNano())
	}
}

// repeat calls f again and again while the error of f is retryable, for at most a minute. Each
// fault in these tests is shorter than a minute.
func (l *load) repeat(f func(context.Context) error) error {
	giveUp := time.Now().Add(time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		err := f(ctx)
		cancel()
		if err == nil || !fault.Of(err).Retryable || fault.Is(err, fault.Conflict) || time.Now().After(giveUp) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// more waits until 2*talks more turns have ended. It fails the test if this takes longer than the
// duration within.
func (l *load) more(within time.Duration) {
	l.t.Helper()
	goal, deadline := l.ended.Load()+2*talks, time.Now().Add(within)
	for l.ended.Load() < goal {
		if time.Now().After(deadline) {
			l.t.Fatalf("only %d of %d turns within %s", l.ended.Load()-goal+2*talks, 2*talks, within)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// check stops the load. It checks that the database has every recorded turn exactly once and in
// order.
func (l *load) check() {
	l.t.Helper()
	close(l.stop)
	l.wg.Wait()
	for i, acked := range l.acked {
		var seen []string
		for after := int64(0); ; {
			page, err := l.store(i).Read(l.t.Context(), &storage.ReadRequest{Call: call("t", fmt.Sprint("c", i)), After: after, Limit: storage.MaxPage, All: true})
			if err != nil {
				l.t.Fatal(err)
			}
			for _, turn := range page.Turns {
				if turn.State != storage.Succeeded || turn.Number != turn.Sequence || len(turn.Messages) != 2 {
					l.t.Errorf("conversation %d has %+v", i, turn)
				}
				seen = append(seen, textOf(turn.Messages[0]))
				after = turn.Sequence
			}
			if !page.More {
				break
			}
		}
		if fmt.Sprint(seen) != fmt.Sprint(acked) {
			l.t.Errorf("conversation %d has %d turns, %d were acknowledged", i, len(seen), len(acked))
		}
	}
}

// soon calls f again and again until f returns no error. It fails the test if f still returns an
// error after the duration recovery.
func soon(t *testing.T, what string, f func() error) {
	t.Helper()
	start := time.Now()
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Since(start) > recovery {
			t.Fatalf("%s: %v, %s later", what, err, recovery)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// wide returns a configuration whose statement timeout is meanwhile.
func wide(dsn string) Config {
	cfg := config(dsn)
	cfg.StatementTimeout = math.Ceil(meanwhile.Seconds())
	return cfg
}

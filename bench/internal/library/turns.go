package library

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bot"
)

// message is the user's message in each turn. It equals the message of package load.
const message = "Please tell me how I can reset my forgotten password"

// loop is a closed loop: each caller starts its next turn when its last turn has ended. Each caller has
// conversations of its own.
type loop struct {
	host    *host.Host
	callers int
	tenants int
	stream  bool
	turns   int64 // most turns; 0 is no bound
	limit   time.Duration
}

func (l loop) run(ctx context.Context) (int64, time.Duration, error) {
	var sent, done atomic.Int64
	errs := make([]error, l.callers)
	var all sync.WaitGroup
	start := time.Now()
	for i := range l.callers {
		all.Go(func() {
			conversation := fmt.Sprintf("caller-%d", i)
			for n := i; l.limit == 0 || time.Since(start) < l.limit; n += l.callers {
				if at := sent.Add(1); l.turns > 0 && at > l.turns {
					return
				}
				tenant := hostproc.TenantID(n % l.tenants)
				if errs[i] = l.turn(ctx, tenant, conversation); errs[i] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return done.Load(), time.Since(start), errors.Join(errs...)
}

func (l loop) turn(ctx context.Context, tenant, conversation string) error {
	lease, err := l.host.Bot(ctx, tenant)
	if err != nil {
		return err
	}
	defer lease.Release()
	var emit func(string) error
	if l.stream {
		emit = func(string) error { return nil }
	}
	_, err = lease.Chat(ctx, bot.Request{ConversationID: conversation, Message: message}, emit)
	return err
}

func turns(ctx context.Context, o Options, tokens int) (rows []TurnRow, err error) {
	h, err := open(ctx, o, tokens, 8, 1000)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close(ctx)) }()
	for _, callers := range o.Callers {
		l := loop{host: h, callers: callers, tenants: 8, stream: tokens > 1, limit: o.Each / 4}
		if _, _, err := l.run(ctx); err != nil { // warms bots and plugins
			return nil, err
		}
		before, err := hostproc.UsageOf(pids(h))
		if err != nil {
			return nil, err
		}
		l.limit = o.Each
		n, took, err := l.run(ctx)
		if err != nil {
			return nil, err
		}
		after, err := hostproc.UsageOf(pids(h))
		if err != nil {
			return nil, err
		}
		rows = append(rows, TurnRow{
			Tokens: tokens, Callers: callers, PerSecond: float64(n) / took.Seconds(), CPU: after.Since(before).PerTurn(n),
		})
	}
	return rows, nil
}

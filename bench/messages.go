package main

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
)

// messages measures turns in conversations of more and more messages.
func (b *bench) messages(ctx context.Context) error {
	h, s, err := b.startHost(hostproc.Settings{Tokens: 1}, workTenants)
	if err != nil {
		return err
	}
	defer h.Stop()
	var points []point
	for _, n := range b.scale.messages {
		b.say("conversations of %d messages", n)
		p := b.pool(n)
		start := time.Now()
		if err := p.fill(s.addr); err != nil {
			return err
		}
		points = append(points, point{n: n, subject: s, next: p.use, setup: time.Since(start)})
	}
	b.report.Messages, err = b.sweep(ctx, points)
	return err
}

// pool is conversations of one length. Measured turns make them longer; there are
// so many that it is by a fifth at most, or by two turns.
type pool struct {
	messages int
	perRun   int // conversations of each caller and run, when runs have their own
	runs     int // that have conversations of their own; 1 if all share
}

func (b *bench) pool(messages int) pool {
	perCaller := b.scale.turns / sweepCallers
	if messages < 100 {
		return pool{messages: messages, perRun: (perCaller + 1) / 2, runs: b.scale.runs}
	}
	most := messages / 10 // turns that a conversation may get, at two messages each
	return pool{messages: messages, perRun: (perCaller*b.scale.runs + most - 1) / most, runs: 1}
}

func (p pool) turn(caller, run, n int) load.Turn {
	run %= p.runs
	return load.Turn{
		Tenant:       hostproc.TenantID(caller),
		Conversation: fmt.Sprintf("of-%d-%d-%d-%d", p.messages, caller, run, n%p.perRun),
	}
}

// fill gives every conversation its messages.
func (p pool) fill(addr string) error {
	turns := p.messages / 2
	l := load.Closed{Addr: addr, Callers: sweepCallers, Turns: sweepCallers * p.runs * p.perRun * turns}
	l.Next = func(caller, n int) load.Turn {
		n /= turns
		return p.turn(caller, n/p.perRun, n)
	}
	_, err := l.Run()
	return err
}

// use gives a run's turns.
func (p pool) use(run int) func(caller, n int) load.Turn {
	return func(caller, n int) load.Turn { return p.turn(caller, run, n) }
}

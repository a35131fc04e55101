package main

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
)

// messages measures turns in conversations of different lengths.
func (b *bench) messages(ctx context.Context) error {
	h, s, err := b.startHost(hostproc.Settings{Tokens: 1}, workTenants)
	if err != nil {
		return err
	}
	defer h.Stop()
	var points []point
	for _, n := range b.scale.messages {
		b.logf("conversations of %d messages", n)
		conversations := b.conversationSet(n)
		start := time.Now()
		if err := conversations.fill(s.addr); err != nil {
			return err
		}
		points = append(points, point{n: n, subject: s, next: conversations.turnsOfRun, setup: time.Since(start)})
	}
	b.report.Messages, err = b.sweep(ctx, points)
	return err
}

// conversationSet describes conversations of one length. Measured turns lengthen a conversation. The set
// has so many conversations that each gets longer by at most a fifth, or by at most two turns.
type conversationSet struct {
	messages int // messages of each conversation before it is measured
	perRun   int // conversations of each caller in a run
	runs     int // number of runs with conversations of their own; 1 if all runs share the conversations
}

func (b *bench) conversationSet(messages int) conversationSet {
	perCaller := b.scale.turns / sweepCallers
	if messages < 100 {
		return conversationSet{messages: messages, perRun: (perCaller + 1) / 2, runs: b.scale.runs}
	}
	maxTurns := messages / 10 // turns of two messages each, which lengthen a conversation by a fifth
	return conversationSet{messages: messages, perRun: (perCaller*b.scale.runs + maxTurns - 1) / maxTurns, runs: 1}
}

func (s conversationSet) turn(caller, run, n int) load.Turn {
	run %= s.runs
	return load.Turn{
		Tenant:       hostproc.TenantID(caller),
		Conversation: fmt.Sprintf("of-%d-%d-%d-%d", s.messages, caller, run, n%s.perRun),
	}
}

// fill runs turns until each conversation has its number of messages.
func (s conversationSet) fill(addr string) error {
	turns := s.messages / 2
	l := load.Closed{Addr: addr, Callers: sweepCallers, Turns: sweepCallers * s.runs * s.perRun * turns}
	l.Next = func(caller, n int) load.Turn {
		n /= turns
		return s.turn(caller, n/s.perRun, n)
	}
	_, err := l.Run()
	return err
}

// turnsOfRun returns a function for load.Closed.Next with the turns of the given run.
func (s conversationSet) turnsOfRun(run int) func(caller, n int) load.Turn {
	return func(caller, n int) load.Turn { return s.turn(caller, run, n) }
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/botyard/botyard/bench/internal/floor"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// turns measures closed loops of the host, of both floors and, if the flag --other is set, of the other
// host.
func (b *bench) turns(ctx context.Context) error {
	for _, tokens := range []int{1, 64} {
		if err := b.turnsOf(ctx, tokens); err != nil {
			return err
		}
	}
	return nil
}

// turnsOf measures turns whose replies have the given number of tokens.
func (b *bench) turnsOf(ctx context.Context, tokens int) error {
	_, host, err := b.startHost(hostproc.Settings{Tokens: tokens}, workTenants)
	if err != nil {
		return err
	}
	defer host.stop()
	idle, err := host.memory(fmt.Sprintf("%d cached bots, idle", workTenants))
	if err != nil {
		return err
	}
	subjects := []*subject{host}
	if o := b.other; o != nil {
		other := &bench{Binaries: o.Binaries, env: o.env}
		_, s, err := other.startHost(hostproc.Settings{Tokens: tokens}, workTenants)
		if err != nil {
			return err
		}
		defer s.stop()
		s.name = report.Other
		subjects = append(subjects, s)
	}
	for _, joined := range []bool{false, true} {
		if joined && tokens == 1 {
			continue // a reply of one token has nothing to join
		}
		f, err := b.startFloor(floor.Options{Tokens: tokens, MaxMessages: hostproc.MaxMessages, Joined: joined})
		if err != nil {
			return err
		}
		defer f.stop()
		subjects = append(subjects, f)
	}
	for _, n := range callers {
		b.logf("turns of %d tokens, %d callers", tokens, n)
		rows, err := b.closedLoops(ctx, subjects, tokens, n)
		if err != nil {
			return err
		}
		b.report.Turns = append(b.report.Turns, rows...)
	}
	loaded, err := host.memory(fmt.Sprintf("after the load, %d-token turns", tokens))
	if err != nil {
		return err
	}
	if tokens > 1 {
		idle = report.Memory{} // the idle memory is reported with the one-token turns
	}
	for _, m := range []report.Memory{idle, loaded} {
		if m.When != "" {
			b.report.Memory = append(b.report.Memory, m)
		}
	}
	return nil
}

// closedLoops measures each subject scale.rounds times and returns the medians of each subject. The
// subjects alternate, so that other work of the machine slows all of them alike.
func (b *bench) closedLoops(ctx context.Context, subjects []*subject, tokens, callers int) ([]report.Turns, error) {
	l := load.Closed{Callers: callers, Next: steady(load.Turn{Stream: tokens > 1})}
	all := make([][]measured, len(subjects))
	for _, s := range subjects {
		l.For = b.scale.warm
		if _, err := s.measure(ctx, l); err != nil {
			return nil, err
		}
	}
	for range b.scale.rounds {
		for i, s := range subjects {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			l.For = b.scale.each
			m, err := s.measure(ctx, l)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], m)
		}
	}
	var out []report.Turns
	for i, s := range subjects {
		out = append(out, report.Turns{
			What: s.name, Tokens: tokens, Callers: callers,
			PerSecond: medianOf(all[i], func(m measured) float64 { return m.PerSecond() }),
			P50:       medianOf(all[i], func(m measured) float64 { return float64(m.P50.Microseconds()) }),
			CPU:       medianCPU(all[i]),
		})
	}
	return out, nil
}

// steady returns a function for load.Closed.Next. Its turns equal the given turn, except
// that each caller has a tenant and one long conversation, in which all its turns run.
func steady(like load.Turn) func(caller, n int) load.Turn {
	return func(caller, _ int) load.Turn {
		t := like
		t.Tenant, t.Conversation = hostproc.TenantID(caller%workTenants), fmt.Sprintf("caller-%d", caller)
		return t
	}
}

// medianOf returns the median of f(v) over all v. The slice must not be empty.
func medianOf[T any](all []T, f func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, v := range all {
		values[i] = f(v)
	}
	slices.SortFunc(values, cmp.Compare)
	return values[len(values)/2]
}

// medianCPU returns the median CPU time of each process, in microseconds per turn.
func medianCPU(all []measured) map[string]float64 {
	out := map[string]float64{}
	for name := range all[0].cpu {
		out[name] = medianOf(all, func(m measured) float64 { return m.cpu[name] })
	}
	return out
}

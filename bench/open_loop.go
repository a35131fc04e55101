package main

import (
	"context"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/botyard/botyard/bench/internal/floor"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// arrivals is the number of turns that arrive per second.
const arrivals = 100

// openConversations is the number of conversations that the turns are spread over. It is so large that a
// turn hardly ever waits for another turn of its conversation.
const openConversations = 256

// open measures how long callers wait for replies when turns arrive at random.
func (b *bench) open(context.Context) error {
	const tokens = 64
	_, host, err := b.startHost(hostproc.Settings{Tokens: tokens}, workTenants)
	if err != nil {
		return err
	}
	defer host.stop()
	f, err := b.startFloor(floor.Options{Tokens: tokens, MaxMessages: hostproc.MaxMessages})
	if err != nil {
		return err
	}
	defer f.stop()
	next := func(n int) load.Turn {
		n %= openConversations
		return load.Turn{Tenant: hostproc.TenantID(n % workTenants), Conversation: fmt.Sprintf("open-%d", n), Stream: true}
	}
	for _, s := range []*subject{host, f} {
		warm := load.Closed{Addr: s.addr, Callers: 8, Turns: 8 * openConversations, Next: func(caller, n int) load.Turn {
			return next(n*8 + caller)
		}}
		if _, err := warm.Run(); err != nil {
			return err
		}
		b.logf("open loop of the %s", s.name)
		got, err := load.Open{Addr: s.addr, PerSecond: arrivals, For: b.scale.open, Next: next, Seed: 1}.Run()
		if err != nil {
			return err
		}
		b.report.Open = append(b.report.Open, report.Open{
			What: s.name, PerSecond: arrivals, Turns: got.Whole.TotalCount(),
			First: quantiles(got.First), Whole: quantiles(got.Whole), Late: quantiles(got.Late),
		})
	}
	return nil
}

func quantiles(h *hdrhistogram.Histogram) report.Quantiles {
	return report.Quantiles{P50: h.ValueAtQuantile(50), P95: h.ValueAtQuantile(95), P99: h.ValueAtQuantile(99)}
}

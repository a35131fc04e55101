package main

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// builds compares a turn of this build with one of that in --other, each host with as many
// tenants as the largest point of the sweep has.
func (b *bench) builds(ctx context.Context) error {
	if b.other == nil {
		return nil
	}
	n := b.scale.tenants[len(b.scale.tenants)-1]
	const path = "/v1/chat" // the other build may be from before the native routes had their prefix
	side := func(of hostproc.Binaries, env variables) *bench {
		b := *b
		b.Binaries, b.env, b.path = of, env, path
		return &b
	}
	sides := [2]*bench{side(b.Binaries, b.env), side(b.other.Binaries, b.other.env)}
	const working = 10
	step := n / working
	next := func(caller, i int) load.Turn {
		return load.Turn{Path: path, Tenant: hostproc.TenantID(step * ((caller + i) % working)), Conversation: fmt.Sprintf("caller-%d", caller)}
	}
	out, err := b.inPairs(ctx, func(i int) (*subject, error) {
		_, s, err := sides[i].startHost(hostproc.Settings{Tokens: 1}, n)
		return s, err
	}, next, func(this, other map[string]float64) float64 {
		return report.Used(this) / report.Used(other)
	})
	b.report.Builds = out
	return err
}

package main

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// builds compares the CPU of a turn on a host of this build with the CPU of a turn on a host of the build
// that the flag --other names. Each host has as many tenants as the largest point of the sweep "tenants".
func (b *bench) builds(ctx context.Context) error {
	if b.other == nil {
		return nil
	}
	n := b.scale.tenants[len(b.scale.tenants)-1]
	const path = "/v1/chat" // older builds serve turns on this route only
	side := func(of hostproc.Binaries, env variables) *bench {
		b := *b
		b.Binaries, b.env, b.path = of, env, path
		return &b
	}
	sides := [2]*bench{side(b.Binaries, b.env), side(b.other.Binaries, b.other.env)}
	const activeTenants = 10
	step := n / activeTenants
	next := func(caller, i int) load.Turn {
		return load.Turn{Path: path, Tenant: hostproc.TenantID(step * ((caller + i) % activeTenants)), Conversation: fmt.Sprintf("caller-%d", caller)}
	}
	out, err := b.compare(ctx, comparison{
		start: func(host int) (*subject, error) {
			_, s, err := sides[host].startHost(hostproc.Settings{Tokens: 1}, n)
			return s, err
		},
		next:  next,
		ratio: func(this, other map[string]float64) float64 { return report.Used(this) / report.Used(other) },
	})
	b.report.Builds = out
	return err
}

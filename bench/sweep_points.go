package main

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// sweepCallers is the number of callers at each point of a sweep.
const sweepCallers = 8

// point is one point of a sweep.
type point struct {
	n       int
	subject *subject
	next    func(run int) func(caller, n int) load.Turn
	setup   time.Duration
}

// sweep measures each point scale.runs times and returns the medians. The points alternate, so that other
// work of the machine slows all of them alike.
func (b *bench) sweep(ctx context.Context, points []point) ([]report.Point, error) {
	all := make([][]measured, len(points))
	for run := range b.scale.runs {
		for i, p := range points {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			m, err := p.subject.measure(ctx, load.Closed{Callers: sweepCallers, Turns: b.scale.turns, Next: p.next(run)})
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], m)
		}
	}
	var out []report.Point
	for i, p := range points {
		out = append(out, report.Point{
			N: p.n, Setup: p.setup.Seconds(),
			PerSecond: medianOf(all[i], func(m measured) float64 { return m.PerSecond() }),
			CPU:       medianOf(all[i], func(m measured) float64 { return report.Used(m.cpu) }),
		})
	}
	return out, nil
}

// tenants measures hosts with different numbers of registered tenants. Ten tenants of each host have
// turns.
func (b *bench) tenants(ctx context.Context) error {
	const activeTenants = 10
	var points []point
	for _, n := range b.scale.tenants {
		b.logf("registering %d tenants", n)
		start := time.Now()
		h, s, err := b.startHost(hostproc.Settings{Tokens: 1}, n)
		if err != nil {
			return err
		}
		defer h.Stop()
		step := n / activeTenants
		points = append(points, point{n: n, subject: s, setup: time.Since(start), next: func(int) func(int, int) load.Turn {
			return func(caller, i int) load.Turn {
				return load.Turn{Tenant: hostproc.TenantID(step * ((caller + i) % activeTenants)), Conversation: fmt.Sprintf("caller-%d", caller)}
			}
		}})
		m, err := s.memory(fmt.Sprintf("%d tenants registered", n))
		if err != nil {
			return err
		}
		b.report.Memory = append(b.report.Memory, m)
	}
	var err error
	b.report.Tenants, err = b.sweep(ctx, points)
	return err
}

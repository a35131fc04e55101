package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/botyard/botyard/bench/internal/fill"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
	sqlitestore "github.com/botyard/botyard/plugins/storage-sqlite"
	"github.com/botyard/botyard/sdk"
	"github.com/hashicorp/go-hclog"
)

// registry measures hosts whose tenants are stored in a database. It measures how fast tenants are
// registered, how soon a host is ready after its start, and how long the first turns of many tenants take
// after the start.
func (b *bench) registry(ctx context.Context) error {
	sqlite := hostproc.Storage{Backend: "sqlite", Registry: true}
	err := b.registryOf(ctx, sqlite, func(dataDir string, first, last int) (err error) {
		file := filepath.Join(dataDir, "plugins", "storage-sqlite", "shared", "botyard.db")
		s, err := sqlitestore.Open(sqlitestore.Config{Path: file}, sdk.Env{Log: hclog.NewNullLogger()})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return fill.Tenants(ctx, s, hostproc.TenantID, first, last)
	})
	if err != nil {
		return err
	}
	d, err := b.startPostgres(ctx)
	if d == nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	postgres := hostproc.Storage{Backend: "postgres", DSN: d.DSN(""), Registry: true}
	return b.registryOf(ctx, postgres, func(_ string, first, last int) error {
		return fill.PostgresTenants(ctx, d.pool, hostproc.TenantID, first, last)
	})
}

// registryOf measures a small and a large registry. The function add fills the registry with the tenants
// from first to last while no host runs.
func (b *bench) registryOf(ctx context.Context, s hostproc.Storage, add func(dataDir string, first, last int) error) error {
	dir, err := os.MkdirTemp("", "yd")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	settings := hostproc.Settings{Tokens: 1, Storage: s, DataDir: dir}
	few, many := b.scale.firstTurns, b.scale.registered

	b.logf("registry: registering %d tenants in %s", few, s.Backend)
	h, err := b.Start(settings, b.env...)
	if err != nil {
		return err
	}
	start := time.Now()
	err = h.Register(0, few)
	took := time.Since(start)
	h.Stop()
	if err != nil {
		return err
	}
	row := report.Registry{Storage: s.Backend, Tenants: few, Setup: took.Seconds(), PerSecond: float64(few) / took.Seconds()}
	if err := b.measureStarts(ctx, settings, &row, 1); err != nil {
		return err
	}
	b.report.Registry = append(b.report.Registry, row)

	b.logf("registry: filling up to %d tenants in %s", many, s.Backend)
	start = time.Now()
	if err := add(dir, few, many-1); err != nil {
		return err
	}
	row = report.Registry{Storage: s.Backend, Tenants: many, Setup: time.Since(start).Seconds()}
	if err := b.measureStarts(ctx, settings, &row, many/few); err != nil {
		return err
	}
	b.report.Registry = append(b.report.Registry, row)
	return nil
}

// measureStarts starts the host scale.rounds times. After each start it runs the first turn of every
// step-th tenant. It writes the medians to row.
func (b *bench) measureStarts(ctx context.Context, s hostproc.Settings, row *report.Registry, step int) error {
	type times struct{ ready, first time.Duration }
	var all []times
	for run := range b.scale.rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.logf("registry: starting a host with %d tenants in %s", row.Tenants, row.Storage)
		t, err := func() (t times, err error) {
			h, err := b.Start(s, b.env...)
			if err != nil {
				return t, err
			}
			defer h.Stop()
			if t.ready, err = h.Ready(); err != nil {
				return t, err
			}
			reportOnce := func(when string) error {
				if run > 0 {
					return nil
				}
				return b.reportMemory(h, fmt.Sprintf("%s, %d registered, %s", row.Storage, row.Tenants, when))
			}
			if err := reportOnce("ready"); err != nil {
				return t, err
			}
			done, err := load.Closed{Addr: h.Addr, Callers: firstTurnCallers, Turns: b.scale.firstTurns, Next: func(caller, n int) load.Turn {
				return load.Turn{Tenant: hostproc.TenantID(step * (caller + n*firstTurnCallers)), Conversation: fmt.Sprintf("first-%d", run)}
			}}.Run()
			if err != nil {
				return t, err
			}
			t.first = done.Took
			row.Turns = int(done.Turns)
			return t, reportOnce(fmt.Sprintf("%d of them served", row.Turns))
		}()
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	row.Ready = medianOf(all, func(t times) float64 { return t.ready.Seconds() })
	row.First = medianOf(all, func(t times) float64 { return t.first.Seconds() })
	return nil
}

// firstTurnCallers is how many callers run the first turns concurrently.
const firstTurnCallers = 50

// reportMemory adds the resident memory of the host and its plugins to the report.
func (b *bench) reportMemory(h *hostproc.Host, when string) error {
	pids, err := h.Pids()
	if err != nil {
		return err
	}
	m, err := (&subject{pids: pids}).memory(when)
	if err != nil {
		return err
	}
	b.report.Memory = append(b.report.Memory, m)
	return nil
}

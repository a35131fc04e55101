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

// registry measures hosts whose tenants are kept in a database: how they are
// registered, how soon a host that was just started serves, and how soon so many
// tenants, of whom it knows nothing yet, have all had their first turn.
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

// registryOf measures at two sizes; add fills the registry while no host runs.
func (b *bench) registryOf(ctx context.Context, s hostproc.Storage, add func(dataDir string, first, last int) error) error {
	dir, err := os.MkdirTemp("", "yd")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	settings := hostproc.Settings{Tokens: 1, Storage: s, DataDir: dir}
	few, many := b.scale.first, b.scale.registered

	b.say("registry: registering %d tenants in %s", few, s.Backend)
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
	if err := b.starts(ctx, settings, &row, 1); err != nil {
		return err
	}
	b.report.Registry = append(b.report.Registry, row)

	b.say("registry: filling up to %d tenants in %s", many, s.Backend)
	start = time.Now()
	if err := add(dir, few, many-1); err != nil {
		return err
	}
	row = report.Registry{Storage: s.Backend, Tenants: many, Setup: time.Since(start).Seconds()}
	if err := b.starts(ctx, settings, &row, many/few); err != nil {
		return err
	}
	b.report.Registry = append(b.report.Registry, row)
	return nil
}

// starts starts the host as often as there are rounds, has the first turn of every
// step-th tenant, and keeps the medians.
func (b *bench) starts(ctx context.Context, s hostproc.Settings, row *report.Registry, step int) error {
	type times struct{ ready, first time.Duration }
	var all []times
	for run := range b.scale.rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.say("registry: starting a host with %d tenants in %s", row.Tenants, row.Storage)
		t, err := func() (t times, err error) {
			h, err := b.Start(s, b.env...)
			if err != nil {
				return t, err
			}
			defer h.Stop()
			if t.ready, err = h.Ready(); err != nil {
				return t, err
			}
			remember := func(when string) error {
				if run > 0 {
					return nil
				}
				return b.remember(h, fmt.Sprintf("%s, %d registered, %s", row.Storage, row.Tenants, when))
			}
			if err := remember("ready"); err != nil {
				return t, err
			}
			done, err := load.Closed{Addr: h.Addr, Callers: firstCallers, Turns: b.scale.first, Next: func(caller, n int) load.Turn {
				return load.Turn{Tenant: hostproc.TenantID(step * (caller + n*firstCallers)), Conversation: fmt.Sprintf("first-%d", run)}
			}}.Run()
			if err != nil {
				return t, err
			}
			t.first = done.Took
			row.Turns = int(done.Turns)
			return t, remember(fmt.Sprintf("%d of them served", row.Turns))
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

// firstCallers divide what tenants have their first turn.
const firstCallers = 50

// remember reads what the host and its plugins have resident.
func (b *bench) remember(h *hostproc.Host, when string) error {
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

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/bench/internal/barepgx"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// storages measures closed loops of a host on SQLite, of a host on Postgres, and of bare pgx. The hosts
// store conversations and tenants in the database.
func (b *bench) storages(ctx context.Context) error {
	for _, tokens := range []int{1, 64} {
		if err := b.storagesOf(ctx, tokens); err != nil {
			return err
		}
	}
	return nil
}

// storagesOf measures turns whose replies have the given number of tokens.
func (b *bench) storagesOf(ctx context.Context, tokens int) (err error) {
	_, sqlite, err := b.startHost(hostproc.Settings{Tokens: tokens, Storage: hostproc.Storage{Backend: "sqlite", Registry: true}}, workTenants)
	if err != nil {
		return err
	}
	defer sqlite.stop()
	sqlite.name = report.OnSQLite
	subjects := []*subject{sqlite}

	d, err := b.startPostgres(ctx)
	if err != nil {
		return err
	}
	if d != nil {
		defer func() { err = errors.Join(err, d.Close()) }()
		_, postgres, err := b.startHost(hostproc.Settings{Tokens: tokens, Storage: hostproc.Storage{
			Backend: "postgres", DSN: d.DSN(""), Registry: true}}, workTenants)
		if err != nil {
			return err
		}
		defer postgres.stop()
		postgres.name, postgres.withChildren = report.OnPostgres, d.processes()
		floor, err := d.floor(ctx, postgres, tokens)
		if err != nil {
			return err
		}
		subjects = append(subjects, postgres, floor)
	}
	for _, n := range callers {
		b.logf("storages: turns of %d tokens, %d callers", tokens, n)
		rows, err := b.closedLoops(ctx, subjects, tokens, n)
		if err != nil {
			return err
		}
		b.report.Storages = append(b.report.Storages, rows...)
	}
	for _, s := range subjects {
		if s.turn != nil {
			continue
		}
		m, err := s.memory(fmt.Sprintf("%s, after %d-token turns", s.name, tokens))
		if err != nil {
			return err
		}
		b.report.Memory = append(b.report.Memory, m)
	}
	return nil
}

// floor returns a subject that runs turns with bare pgx. Its turns write the same values as turns of the
// host, for the same tenants and in the same number of conversations.
func (d *database) floor(ctx context.Context, host *subject, tokens int) (*subject, error) {
	const shape = "shape"
	_, err := load.Closed{Addr: host.addr, Callers: workTenants, Turns: workTenants, Next: func(caller, _ int) load.Turn {
		return load.Turn{Tenant: hostproc.TenantID(caller), Conversation: shape, Stream: tokens > 1}
	}}.Run()
	if err != nil {
		return nil, err
	}
	turns := make([]barepgx.Turn, workTenants)
	for i := range turns {
		if turns[i], err = barepgx.ReadTurn(ctx, d.pool, hostproc.TenantID(i), shape, hostproc.MaxMessages); err != nil {
			return nil, err
		}
	}
	conversations := make([]barepgx.Conversation, slices.Max(callers))
	for i := range conversations {
		conversations[i].ID = fmt.Sprintf("bare-%d", i)
	}
	return &subject{name: report.BarePgx, withChildren: d.processes(), turn: func(ctx context.Context, caller int) error {
		return turns[caller%workTenants].Run(ctx, d.pool, &conversations[caller])
	}}, nil
}

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

// storages measures closed loops of hosts whose conversations and tenants are kept in
// databases, in turns with each other and with bare pgx.
func (b *bench) storages(ctx context.Context) error {
	for _, tokens := range []int{1, 64} {
		if err := b.storagesOf(ctx, tokens); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) storagesOf(ctx context.Context, tokens int) (err error) {
	_, sqlite, err := b.startHost(hostproc.Settings{Tokens: tokens, Storage: hostproc.Storage{Backend: "sqlite", Registry: true}}, workTenants)
	if err != nil {
		return err
	}
	defer sqlite.stop()
	sqlite.what = report.OnSQLite
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
		postgres.what, postgres.families = report.OnPostgres, d.families()
		floor, err := d.floor(ctx, postgres, tokens)
		if err != nil {
			return err
		}
		subjects = append(subjects, postgres, floor)
	}
	for _, n := range callers {
		b.say("storages: turns of %d tokens, %d callers", tokens, n)
		cell, err := b.cell(ctx, subjects, tokens, n)
		if err != nil {
			return err
		}
		b.report.Storages = append(b.report.Storages, cell...)
	}
	for _, s := range subjects {
		if s.turn != nil {
			continue
		}
		m, err := s.memory(fmt.Sprintf("%s, after %d-token turns", s.what, tokens))
		if err != nil {
			return err
		}
		b.report.Memory = append(b.report.Memory, m)
	}
	return nil
}

// floor has turns by bare pgx that write what those of the host do, for the same
// tenants and as many conversations.
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
		if turns[i], err = barepgx.Written(ctx, d.pool, hostproc.TenantID(i), shape, hostproc.MaxMessages); err != nil {
			return nil, err
		}
	}
	conversations := make([]barepgx.Conversation, slices.Max(callers))
	for i := range conversations {
		conversations[i].ID = fmt.Sprintf("bare-%d", i)
	}
	return &subject{what: report.BarePgx, families: d.families(), turn: func(ctx context.Context, caller int) error {
		return turns[caller%workTenants].Run(ctx, d.pool, &conversations[caller])
	}}, nil
}

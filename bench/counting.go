package main

import (
	"context"

	"github.com/botyard/botyard/bench/internal/report"
	"github.com/botyard/botyard/bench/internal/yard"
)

// counting measures what it costs a turn that it is counted: a host with metrics and one
// without, in turns.
func (b *bench) counting(ctx context.Context) error {
	var subjects []*subject
	for _, uncounted := range []bool{false, true} {
		_, s, err := b.startHost(yard.Settings{Tokens: 1, Uncounted: uncounted}, workTenants)
		if err != nil {
			return err
		}
		defer s.stop()
		if uncounted {
			s.what = report.Uncounted
		}
		subjects = append(subjects, s)
	}
	// More rounds than elsewhere: what is looked for is small.
	more := *b
	more.scale.rounds = 5 * b.scale.rounds
	var err error
	b.report.Counting, err = more.cell(ctx, subjects, 1, 8)
	return err
}

package report

import (
	"fmt"
	"io"
)

func (r *Report) storages(w io.Writer) {
	if len(r.Storages) == 0 {
		return
	}
	title(w, "Turns kept in databases, closed loop; CPU in us per turn")
	row(w, "", "tokens", "callers", "turns/s", "p50 ms", "CPU", "of it", "load")
	for _, t := range r.Storages {
		row(w, t.What, t.Tokens, t.Callers, t.PerSecond, t.P50/1000, Used(t.CPU), split(t.CPU), t.CPU[Load])
	}
}

// storageAims returns aims for the host on Postgres, compared with bare pgx, which makes only the two
// round trips of a turn.
func (r *Report) storageAims() []aim {
	var list []aim
	for _, tokens := range []int{1, 64} {
		host, floor := find(r.Storages, OnPostgres, tokens, 1), find(r.Storages, BarePgx, tokens, 1)
		if host != nil && floor != nil {
			list = append(list, aim{fmt.Sprintf("host and plugins add to two bare round trips, p50 ms, %d-token turns", tokens),
				(host.P50 - floor.P50) / 1000, 1.5, false})
		}
		host, floor = find(r.Storages, OnPostgres, tokens, 64), find(r.Storages, BarePgx, tokens, 64)
		if host != nil && floor != nil {
			list = append(list, aim{fmt.Sprintf("turns/s of %d tokens, times those of bare pgx, 64 callers", tokens),
				host.PerSecond / floor.PerSecond, 0.5, true})
		}
	}
	if host := find(r.Storages, OnPostgres, 64, 64); host != nil {
		list = append(list, aim{"streams of 64 tokens/s on Postgres at 64 callers", host.PerSecond, 1500, true})
	}
	return list
}

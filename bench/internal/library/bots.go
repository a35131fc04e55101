package library

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/host"
)

// BotRow is the cost of bots when the given number of bots is cached. Each figure is the median of the
// rounds.
type BotRow struct {
	Cached   int     `json:"cached"`
	LookupNS float64 `json:"lookup_ns"` // nanoseconds to acquire and release a cached bot
	TurnUS   float64 `json:"turn_us"`   // microseconds of a one-token turn; eight callers use all cached bots
}

// turnsPerRound is the number of turns in a round.
const turnsPerRound = 2000

func bots(ctx context.Context, o Options, out *Result) (err error) {
	maxBots := slices.Max(o.Cached)
	h, err := open(ctx, o, 1, 1, maxBots+1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(ctx)) }()
	if _, err := buildBots(ctx, h, 0, 1); err != nil { // creates the plugin instances, which all bots share
		return err
	}
	before := liveBytes()
	if err := register(ctx, h, 1, maxBots); err != nil {
		return err
	}
	registered := liveBytes()
	took, err := buildBots(ctx, h, 1, maxBots)
	if err != nil {
		return err
	}
	built := liveBytes()
	out.TenantBytes = float64(registered-before) / float64(maxBots)
	out.BotBytes = float64(built-registered) / float64(maxBots)
	slices.Sort(took)
	out.Build = Spread{P50: micros(took[len(took)/2]), P99: micros(took[len(took)*99/100])}

	lookups, turns := make([][]float64, len(o.Cached)), make([][]float64, len(o.Cached))
	for range o.Rounds {
		for i, n := range o.Cached {
			h.Registry().ClearCache()
			if _, err := buildBots(ctx, h, 0, n); err != nil {
				return err
			}
			ns, err := lookup(ctx, h, n)
			if err != nil {
				return err
			}
			l := loop{host: h, callers: 8, tenants: n, turns: turnsPerRound}
			done, took, err := l.run(ctx)
			if err != nil {
				return err
			}
			lookups[i] = append(lookups[i], ns)
			turns[i] = append(turns[i], micros(took)/float64(done))
		}
	}
	for i, n := range o.Cached {
		out.Bots = append(out.Bots, BotRow{Cached: n, LookupNS: median(lookups[i]), TurnUS: median(turns[i])})
	}
	return nil
}

// buildBots acquires the bots of n tenants, which are not cached, and returns how long each took.
func buildBots(ctx context.Context, h *host.Host, first, n int) ([]time.Duration, error) {
	took := make([]time.Duration, 0, n)
	for i := first; i < first+n; i++ {
		start := time.Now()
		lease, err := h.Bot(ctx, hostproc.TenantID(i))
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
		lease.Release()
	}
	return took, nil
}

// lookup acquires and releases cached bots in random order, and returns the nanoseconds that one bot
// takes.
func lookup(ctx context.Context, h *host.Host, n int) (float64, error) {
	const times = 200_000
	ids := make([]string, 4096)
	for i := range ids {
		ids[i] = hostproc.TenantID(rand.IntN(n))
	}
	start := time.Now()
	for i := range times {
		lease, err := h.Bot(ctx, ids[i%len(ids)])
		if err != nil {
			return 0, err
		}
		lease.Release()
	}
	return float64(time.Since(start).Nanoseconds()) / times, nil
}

// liveBytes collects garbage and returns the bytes of live heap and stacks of this process.
func liveBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

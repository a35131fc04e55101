package metrics

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/fault"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

var _ bot.Watcher = (*Metrics)(nil)

// TurnWaits implements bot.Watcher.
func (m *Metrics) TurnWaits(n int) {
	if m != nil {
		m.waiting.Add(int64(n))
	}
}

// TurnRuns implements bot.Watcher.
func (m *Metrics) TurnRuns(n int) {
	if m != nil {
		m.running.Add(int64(n))
	}
}

// TurnEnded implements bot.Watcher. Turns that came to no bot are told to it too.
func (m *Metrics) TurnEnded(end bot.TurnEnd) {
	if m != nil {
		m.turns.of(end.Tenant).ended(end)
	}
}

// turnMeter is the instruments of turns.
type turnMeter struct {
	turns, tokens   metric.Int64Counter
	duration, first metric.Float64Histogram
	labels          []attribute.KeyValue // that all have
}

// Upper bounds of histograms, in seconds. Turns take from a millisecond, of an echo, to
// limits.turn_timeout.
var seconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}

// of implements turnsBy: without a label all tenants are one.
func (t *turnMeter) of(string) *turnMeter { return t }

func newTurnMeter(m metric.Meter, labels ...attribute.KeyValue) (*turnMeter, error) {
	var errs [4]error
	t := &turnMeter{labels: labels}
	t.turns, errs[0] = m.Int64Counter(turns, metric.WithDescription(help(turns)))
	t.tokens, errs[1] = m.Int64Counter(tokens, metric.WithDescription(help(tokens)))
	t.duration, errs[2] = m.Float64Histogram(turnDuration, metric.WithDescription(help(turnDuration)), metric.WithExplicitBucketBoundaries(seconds...))
	t.first, errs[3] = m.Float64Histogram(firstToken, metric.WithDescription(help(firstToken)), metric.WithExplicitBucketBoundaries(seconds...))
	return t, errors.Join(errs[:]...)
}

func (t *turnMeter) with(own ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(own, t.labels...)...))
}

func (t *turnMeter) ended(end bot.TurnEnd) {
	ctx := context.Background()
	class, party := "", ""
	if end.Err != nil {
		e := fault.Of(end.Err)
		class, party = e.Class.String(), e.Party.String()
		if _, known := fault.ParseClass(class); !known { // a plugin may say any number
			class = fault.Internal.String()
		}
	}
	outcome := attribute.String("outcome", string(end.Outcome))
	t.turns.Add(ctx, 1, t.with(outcome, attribute.String("class", class), attribute.String("party", party)))
	t.duration.Record(ctx, end.Took.Seconds(), t.with(outcome))
	if end.FirstToken > 0 {
		t.first.Record(ctx, end.FirstToken.Seconds(), t.with())
	}
	t.count(ctx, "input", end.Usage.InputTokens)
	t.count(ctx, "output", end.Usage.OutputTokens)
}

// mostTokens bounds what one turn counts: a plugin may say any number.
const mostTokens = 1 << 32

func (t *turnMeter) count(ctx context.Context, direction string, n int64) {
	if n > 0 {
		t.tokens.Add(ctx, min(n, mostTokens), t.with(attribute.String("direction", direction)))
	}
}

package metrics

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/fault"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

var _ bot.Observer = (*Metrics)(nil)

// AddWaitingTurns implements bot.Observer.
func (m *Metrics) AddWaitingTurns(n int) {
	if m != nil {
		m.waiting.Add(int64(n))
	}
}

// AddRunningTurns implements bot.Observer.
func (m *Metrics) AddRunningTurns(n int) {
	if m != nil {
		m.running.Add(int64(n))
	}
}

// TurnEnded implements bot.Observer. The host also calls TurnEnded for turns that are refused
// before they reach a bot.
func (m *Metrics) TurnEnded(end bot.TurnEnd) {
	if m != nil {
		m.turns.of(end.Tenant).ended(end)
	}
}

// turnMeter has the instruments of turns.
type turnMeter struct {
	turns, tokens   metric.Int64Counter
	passed, replies metric.Int64Counter // models that were passed over; replies of fallbacks
	duration, first metric.Float64Histogram

	ends                 *labelSets[turnEnd]
	outcomes             *labelSets[bot.Outcome]
	passedOver           *labelSets[bot.PassedOver]
	fallbacks            *labelSets[string]
	plain, input, output *labels
}

// turnEnd has the values of the labels of a turn. The class is always a class of sdk/fault.
type turnEnd struct {
	outcome bot.Outcome
	failed  bool // if false, the labels class and party are empty
	class   fault.Class
	party   fault.Party
}

// seconds are the upper bounds of the histogram buckets. A turn takes between a millisecond, with
// the echo model, and limits.turn_timeout.
var seconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}

// of implements turnsBy. All tenants share the same instruments.
func (t *turnMeter) of(string) *turnMeter { return t }

// newTurnMeter creates the instruments of turns. All their measurements have the labels own.
func newTurnMeter(m metric.Meter, own ...attribute.KeyValue) (*turnMeter, error) {
	with := func(more ...attribute.KeyValue) *labels { return newLabels(append(more, own...)...) }
	t := &turnMeter{
		plain: with(), input: with(attribute.String("direction", "input")), output: with(attribute.String("direction", "output")),
		outcomes: newLabelSets(func(o bot.Outcome) *labels { return with(attribute.String("outcome", string(o))) }),
		passedOver: newLabelSets(func(p bot.PassedOver) *labels {
			return with(attribute.String("block", p.Block), attribute.String("class", p.Class.String()), attribute.String("name", p.Plugin))
		}),
		fallbacks: newLabelSets(func(block string) *labels { return with(attribute.String("block", block)) }),
		ends: newLabelSets(func(e turnEnd) *labels {
			class, party := "", ""
			if e.failed {
				class, party = e.class.String(), e.party.String()
			}
			return with(attribute.String("outcome", string(e.outcome)), attribute.String("class", class), attribute.String("party", party))
		}),
	}
	var errs [6]error
	t.turns, errs[0] = m.Int64Counter(turns, metric.WithDescription(help(turns)))
	t.tokens, errs[1] = m.Int64Counter(tokens, metric.WithDescription(help(tokens)))
	t.duration, errs[2] = m.Float64Histogram(turnDuration, metric.WithDescription(help(turnDuration)), metric.WithExplicitBucketBoundaries(seconds...))
	t.first, errs[3] = m.Float64Histogram(firstToken, metric.WithDescription(help(firstToken)), metric.WithExplicitBucketBoundaries(seconds...))
	t.passed, errs[4] = m.Int64Counter(passedOver, metric.WithDescription(help(passedOver)))
	t.replies, errs[5] = m.Int64Counter(fallbacks, metric.WithDescription(help(fallbacks)))
	return t, errors.Join(errs[:]...)
}

func (t *turnMeter) ended(end bot.TurnEnd) {
	ctx := context.Background()
	how := turnEnd{outcome: end.Outcome}
	if end.Err != nil {
		e := fault.Of(end.Err)
		how.failed, how.class, how.party = true, e.Class, e.Party
		if !e.Class.Known() { // a plugin may return any number
			how.class = fault.Internal
		}
		if how.party.String() == fault.PartyUnknown.String() {
			how.party = fault.PartyUnknown
		}
	}
	t.turns.Add(ctx, 1, t.ends.of(how).add...)
	t.duration.Record(ctx, end.Took.Seconds(), t.outcomes.of(end.Outcome).record...)
	if end.FirstToken > 0 {
		t.first.Record(ctx, end.FirstToken.Seconds(), t.plain.record...)
	}
	for _, p := range end.PassedOver {
		if !p.Class.Known() {
			p.Class = fault.Internal
		}
		t.passed.Add(ctx, 1, t.passedOver.of(p).add...)
	}
	if end.Fallback != "" {
		t.replies.Add(ctx, 1, t.fallbacks.of(end.Fallback).add...)
	}
	t.count(ctx, end.Usage.InputTokens, t.input)
	t.count(ctx, end.Usage.OutputTokens, t.output)
}

// maxTokensPerTurn limits how many tokens of one turn are counted, because a plugin may return any
// number.
const maxTokensPerTurn = 1 << 32

func (t *turnMeter) count(ctx context.Context, n int64, direction *labels) {
	if n > 0 {
		t.tokens.Add(ctx, min(n, maxTokensPerTurn), direction.add...)
	}
}

package metrics

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Others is the label of the tenants that have none of their own. No tenant can have
// this id.
const Others = "@other"

// tenants counts turns by tenant, of a bounded number of tenants. The first that have a
// turn have a label of their own; when one is removed its series leave the page, and its
// place is free. Each tenant has instruments of its own, for an instrument never forgets a
// label.
type tenants struct {
	most   int
	has    func(tenant string) bool
	others *labelled

	mu  sync.Mutex
	own map[string]*labelled
}

// labelled is the instruments of one label.
type labelled struct {
	*turnMeter
	reader *sdk.ManualReader
}

func newTenants(most int, has func(string) bool) *tenants {
	return &tenants{most: most, has: has, others: newLabelled(Others), own: map[string]*labelled{}}
}

func newLabelled(tenant string) *labelled {
	reader := sdk.NewManualReader()
	meter, err := newTurnMeter(newMeter(reader), attribute.String("tenant", tenant))
	if err != nil {
		panic(err) // unreachable: the names are ours, and have been used by New's
	}
	return &labelled{meter, reader}
}

// of implements turnsBy. A tenant that is not there gets no place.
func (t *tenants) of(tenant string) *turnMeter {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.own[tenant]
	if !ok {
		if len(t.own) >= t.most || !t.has(tenant) {
			return t.others.turnMeter
		}
		l = newLabelled(tenant)
		t.own[tenant] = l
	}
	return l.turnMeter
}

// Produce implements sdk.Producer: what all labels have counted. Tenants that are gone
// leave.
func (t *tenants) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	t.mu.Lock()
	readers := []*sdk.ManualReader{t.others.reader}
	for tenant, l := range t.own {
		if !t.has(tenant) {
			delete(t.own, tenant)
			continue
		}
		readers = append(readers, l.reader)
	}
	t.mu.Unlock()
	var out []metricdata.ScopeMetrics
	for _, r := range readers {
		var one metricdata.ResourceMetrics
		if err := r.Collect(ctx, &one); err != nil {
			return out, err
		}
		out = append(out, one.ScopeMetrics...)
	}
	return out, nil
}

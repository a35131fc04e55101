package metrics

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Others is the label of all tenants without a label of their own. It is not a valid tenant id.
const Others = "@other"

// tenants counts turns by tenant. The first tenants with a turn get a label of their own, up to the
// limit. When a tenant is removed, its series leave the page, and another tenant may get a label.
// Each tenant has its own instruments, because an OpenTelemetry instrument never drops a label.
type tenants struct {
	limit  int
	has    func(tenant string) bool
	others *tenantMeter

	mu  sync.Mutex
	own map[string]*tenantMeter
}

// tenantMeter has the instruments of one value of the label tenant.
type tenantMeter struct {
	*turnMeter
	reader *sdk.ManualReader
}

func newTenants(limit int, has func(string) bool) *tenants {
	return &tenants{limit: limit, has: has, others: newTenantMeter(Others), own: map[string]*tenantMeter{}}
}

func newTenantMeter(tenant string) *tenantMeter {
	reader := sdk.NewManualReader()
	meter, err := newTurnMeter(newMeter(reader), attribute.String("tenant", tenant))
	if err != nil {
		// unreachable, because New has already created instruments with the names of families
		panic(err)
	}
	return &tenantMeter{meter, reader}
}

// of implements turnsBy. A tenant that does not exist gets no label of its own.
func (t *tenants) of(tenant string) *turnMeter {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.own[tenant]
	if !ok {
		if len(t.own) >= t.limit || !t.has(tenant) {
			return t.others.turnMeter
		}
		l = newTenantMeter(tenant)
		t.own[tenant] = l
	}
	return l.turnMeter
}

// Produce implements sdk.Producer. It returns the counts of all labels, and drops the labels of
// removed tenants.
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

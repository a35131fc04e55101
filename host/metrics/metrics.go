package metrics

import (
	"cmp"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
)

// Options are the settings of Metrics.
type Options struct {
	// TenantLabel adds the label tenant to the metrics of turns and tokens.
	TenantLabel bool
	// MaxTenantLabels is how many tenants have a label of their own at once. The turns of all other
	// tenants are counted together. The default, for 0, is 100.
	MaxTenantLabels int
	Sources         Sources
	Log             hclog.Logger // receives warnings; nil discards them
}

// Metrics counts turns and requests. It is safe for concurrent use. A nil *Metrics counts nothing.
type Metrics struct {
	page     http.Handler
	turns    turnsBy
	requests *requestMeter

	running, waiting atomic.Int64 // the current numbers of turns
}

// turnsBy returns the instruments for the turns of a tenant.
type turnsBy interface {
	of(tenant string) *turnMeter
}

// scrapesAtOnce limits how many pages are created at the same time.
const scrapesAtOnce = 4

// scrapeTimeout limits how long creating a page takes.
const scrapeTimeout = 10 * time.Second

// New returns Metrics. It starts no goroutine, and the caller does not close the Metrics.
func New(o Options) (*Metrics, error) {
	m := &Metrics{}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	options := []exporter.Option{
		exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo(),
		// The page shows the names of families unchanged, without suffixes of the exporter.
		exporter.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithoutSuffixes),
	}
	var byTenant *tenants
	if o.TenantLabel {
		byTenant = newTenants(cmp.Or(o.MaxTenantLabels, 100), o.Sources.HasTenant)
		options = append(options, exporter.WithProducer(byTenant))
		m.turns = byTenant
	}
	reader, err := exporter.New(options...)
	if err != nil {
		return nil, err
	}
	meter := newMeter(reader)
	if byTenant == nil {
		own, err := newTurnMeter(meter)
		if err != nil {
			return nil, err
		}
		m.turns = own
	}
	if m.requests, err = newRequestMeter(meter); err != nil {
		return nil, err
	}
	if err := m.observe(meter, o.Sources); err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = hclog.NewNullLogger()
	}
	m.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Warn}),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeTimeout,
	})
	return m, nil
}

// newMeter returns a meter whose instruments the reader reads.
func newMeter(reader sdk.Reader) metric.Meter {
	return sdk.NewMeterProvider(sdk.WithReader(reader), sdk.WithExemplarFilter(exemplar.AlwaysOffFilter)).Meter("botyard")
}

// ServeHTTP responds with the page. It must not be called on a nil *Metrics.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.page.ServeHTTP(w, r) }

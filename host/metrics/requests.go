package metrics

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// NoRoute is the value of the label route for requests that match no route.
const NoRoute = "none"

// methods are the HTTP methods with a label value of their own. All other methods have the value
// "other".
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch}

// requestMeter has the instruments of requests.
type requestMeter struct {
	requests metric.Int64Counter
	duration metric.Float64Histogram

	answers *labelSets[answer]
	routes  *labelSets[answer] // label sets without the label status
}

// answer has the values of the labels of a request.
type answer struct {
	method, route string
	status        int
}

func (a answer) labels() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("method", a.method), attribute.String("route", a.route)}
}

func newRequestMeter(m metric.Meter) (*requestMeter, error) {
	requests, err := m.Int64Counter(requests, metric.WithDescription(help(requests)))
	duration, err2 := m.Float64Histogram(requestDuration, metric.WithDescription(help(requestDuration)), metric.WithExplicitBucketBoundaries(seconds...))
	return &requestMeter{
		requests: requests, duration: duration,
		answers: newLabelSets(func(a answer) *labels {
			return newLabels(append(a.labels(), attribute.String("status", strconv.Itoa(a.status)))...)
		}),
		routes: newLabelSets(func(a answer) *labels { return newLabels(a.labels()...) }),
	}, errors.Join(err, err2)
}

// RequestEnded counts a request. route is the pattern of the route, never a path, or "" if no route
// matched. status is 0 if the host sent no status.
func (m *Metrics) RequestEnded(method, route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if route == "" || route == "/" {
		route = NoRoute
	}
	if !slices.Contains(methods, method) {
		method = "other"
	}
	ctx := context.Background()
	a := answer{method: method, route: route}
	m.requests.duration.Record(ctx, took.Seconds(), m.requests.routes.of(a).record...)
	a.status = status
	m.requests.requests.Add(ctx, 1, m.requests.answers.of(a).add...)
}

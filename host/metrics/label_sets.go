package metrics

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/host/bounds"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// labels is a set of labels as options for counters and for histograms.
type labels struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

func newLabels(all ...attribute.KeyValue) *labels {
	o := metric.WithAttributeSet(attribute.NewSet(all...))
	return &labels{[]metric.AddOption{o}, []metric.RecordOption{o}}
}

// labelSets caches label sets by key. A measurement with a cached set costs a map lookup and
// allocates nothing. labelSets is safe for concurrent use.
type labelSets[K comparable] struct {
	make func(K) *labels

	mu  sync.Mutex                    // held while a set is added
	all atomic.Pointer[map[K]*labels] // the map is never modified: adding a set replaces the map by a copy
}

func newLabelSets[K comparable](make func(K) *labels) *labelSets[K] {
	s := &labelSets[K]{make: make}
	s.all.Store(&map[K]*labels{})
	return s
}

// of returns the label set for k. At most bounds.ReadyLabelSets sets are cached. If the cache is
// full, of creates a new set in each call.
func (s *labelSets[K]) of(k K) *labels {
	if l, ok := (*s.all.Load())[k]; ok {
		return l
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.all.Load()
	if l, ok := known[k]; ok {
		return l
	}
	l := s.make(k)
	if len(known) < bounds.ReadyLabelSets {
		next := maps.Clone(known)
		next[k] = l
		s.all.Store(&next)
	}
	return l
}

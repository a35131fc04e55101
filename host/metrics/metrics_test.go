package metrics

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// ended is the end of a typical turn.
var ended = bot.TurnEnd{
	Tenant: "client-a", Outcome: bot.TurnSucceeded, Took: 30 * time.Millisecond, FirstToken: 10 * time.Millisecond,
	Usage: chat.Usage{InputTokens: 300, OutputTokens: 40},
}

// BenchmarkTurn measures the counting of one turn over HTTP, which counts the turn and its request.
func BenchmarkTurn(b *testing.B) {
	for name, o := range map[string]Options{
		"all tenants": {},
		"by tenant":   {TenantLabel: true, Sources: Sources{HasTenant: func(string) bool { return true }}},
	} {
		b.Run(name, func(b *testing.B) {
			m, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				m.AddWaitingTurns(1)
				m.AddWaitingTurns(-1)
				m.AddRunningTurns(1)
				m.AddRunningTurns(-1)
				m.TurnEnded(ended)
				m.RequestEnded(http.MethodPost, "/api/v1/chat", http.StatusOK, 30*time.Millisecond)
			}
		})
	}
}

func TestMetrics_allocateNothing(t *testing.T) {
	m, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := func() {
		m.TurnEnded(ended)
		m.RequestEnded(http.MethodPost, "/api/v1/chat", http.StatusOK, 30*time.Millisecond)
	}
	record()
	// One allocation is tolerated, because the race detector or a garbage collection may allocate.
	if n := testing.AllocsPerRun(100, record); n > 1 {
		t.Errorf("a turn and its request make %v allocations", n)
	}
}

// beyond: ready label sets
func TestLabelSets_bounded(t *testing.T) {
	made := 0
	s := newLabelSets(func(k int) *labels {
		made++
		return newLabels(attribute.Int("k", k))
	})
	for range 2 {
		for k := range bounds.ReadyLabelSets + 10 {
			got := metric.NewAddConfig(s.of(k).add).Attributes()
			if want := attribute.NewSet(attribute.Int("k", k)); got != want {
				t.Fatalf("the labels of %d are %v", k, got)
			}
		}
	}
	if kept := len(*s.all.Load()); kept != bounds.ReadyLabelSets {
		t.Errorf("%d sets are cached, want %d", kept, bounds.ReadyLabelSets)
	}
	if want := bounds.ReadyLabelSets + 2*10; made != want {
		t.Errorf("%d sets were created, want %d: a cached set is created once", made, want)
	}
}

// beyond: tenant labels
func TestTenants_shareALabelBeyondTheBound(t *testing.T) {
	all := newTenants(2, func(string) bool { return true })
	own := map[*turnMeter]bool{}
	for _, tenant := range []string{"a", "b", "c", "d", "a", "c"} {
		own[all.of(tenant)] = true
	}
	if len(own) != 3 || all.of("d") != all.others.turnMeter || all.of("b") == all.others.turnMeter {
		t.Errorf("four tenants have %d labels; want 3, two of single tenants and one of all others", len(own))
	}
}

// TestMetrics_TurnEnded_boundedLabels checks that arbitrary error classes, parties and HTTP methods
// add no label values.
func TestMetrics_TurnEnded_boundedLabels(t *testing.T) {
	m, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3000 {
		e := fault.New(fault.Class(n), "no")
		e.Party = fault.Party(n % 40)
		m.TurnEnded(bot.TurnEnd{Outcome: bot.TurnFailed, Err: e, Took: time.Second})
		m.RequestEnded(fmt.Sprintf("M%d", n), "", http.StatusOK, time.Second)
	}
	if n := len(*m.turns.of("").ends.all.Load()); n > 15*6 {
		t.Errorf("%d sets of labels for the classes and parties of failed turns", n)
	}
	if n := len(*m.requests.answers.all.Load()); n != 1 {
		t.Errorf("%d sets of labels for requests with methods of their own", n)
	}
}

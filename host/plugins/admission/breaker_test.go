package admission

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// breakerUnderTest is a breaker with its log and with the process that its calls use.
type breakerUnderTest struct {
	*Breaker
	t   *testing.T
	log *bytes.Buffer
	on  Process
}

// fakeProcess is a Process whose HasExited returns exited.
type fakeProcess struct{ exited bool }

func (p *fakeProcess) HasExited() bool { return p.exited }

func newBreakerUnderTest(t *testing.T, kind string) *breakerUnderTest {
	log := &bytes.Buffer{}
	logger := hclog.New(&hclog.LoggerOptions{Output: log, JSONFormat: true})
	b := NewBreaker(BreakerOptions{Kind: kind, Plugin: kind + " plugin test", Log: func() hclog.Logger { return logger }})
	return &breakerUnderTest{b, t, log, &fakeProcess{}}
}

func (b *breakerUnderTest) admit(tenant string) *Permit {
	b.t.Helper()
	p, err := b.Admit(tenant)
	if err != nil {
		b.t.Fatalf("refused: %v", err)
	}
	return p
}

// call admits a call of the tenant, and ends the call with the result err.
func (b *breakerUnderTest) call(tenant string, err error) {
	b.t.Helper()
	b.admit(tenant).End(context.Background(), err, b.on)
}

func (b *breakerUnderTest) wantRefused(tenant string, after time.Duration) {
	b.t.Helper()
	p, err := b.Admit(tenant)
	if err == nil {
		p.End(context.Background(), fault.New(fault.Canceled, "not meant"), b.on)
		b.t.Fatal("a call passed")
	}
	if e := fault.Of(err); e.Class != fault.ProviderFailed || !e.Retryable || e.RetryAfter != after || e.Party != fault.PartyProvider {
		b.t.Fatalf("refused with %+v; want to come again after %s", e, after)
	}
	if check := b.Check(tenant); check == nil {
		b.t.Fatal("Check passes a call that Admit refuses")
	}
}

var errUpstream = fault.New(fault.ProviderFailed, "down")

// TestBreaker_opensProbesAndCloses checks the states of the shared circuit: closed, open,
// open with a probe under way, open again for a longer pause after a failed probe, and
// closed after a successful probe.
func TestBreaker_opensProbesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreakerUnderTest(t, "llm")
		for range 2 * circuitFailures { // a success after each failure keeps the circuit closed
			b.call("a", errUpstream)
			b.call("a", nil)
		}
		for n := range circuitFailures {
			if b.OpenCircuits() != 0 {
				t.Fatalf("open after %d failures", n)
			}
			b.call([]string{"a", "b"}[n%2], errUpstream)
		}
		if b.OpenCircuits() != 1 {
			t.Fatalf("%d circuits are open", b.OpenCircuits())
		}
		b.wantRefused("a", 5*time.Second)
		b.wantRefused("c", 5*time.Second)
		for _, pause := range []time.Duration{5, 10, 20, 40, 60, 60} {
			time.Sleep(pause*time.Second - time.Millisecond)
			b.wantRefused("c", time.Millisecond)
			time.Sleep(time.Millisecond)
			probe := b.admit("c")
			b.wantRefused("b", time.Second) // only one probe may be under way
			probe.End(context.Background(), errUpstream, b.on)
		}
		time.Sleep(time.Minute)
		b.call("c", nil)
		if b.OpenCircuits() != 0 || len(b.tenants) != 0 {
			t.Errorf("%d open, %d tenants are left", b.OpenCircuits(), len(b.tenants))
		}
		for n := range circuitFailures {
			b.call([]string{"a", "b"}[n%2], errUpstream)
		}
		b.wantRefused("a", 5*time.Second) // the first pause after a success is 5 seconds again
		log := b.log.String()
		if opened, closed := strings.Count(log, "circuit opened"), strings.Count(log, "circuit closed"); opened != 2 || closed != 1 {
			t.Errorf("the log has %d openings and %d closings:\n%s", opened, closed, log)
		}
	})
}

func TestBreaker_countsFailuresOfTheUpstreamOnly(t *testing.T) {
	for class, counts := range map[fault.Class]bool{
		fault.ProviderFailed: true, fault.Deadline: true, fault.PluginUnavailable: true,
		fault.Internal: false, fault.NotFound: false, fault.Invalid: false, fault.Conflict: false, fault.Unauthenticated: false,
		fault.Forbidden: false, fault.RateLimited: false, fault.QuotaExhausted: false, fault.ContextTooLong: false,
		fault.ContentFiltered: false, fault.Canceled: false, fault.UnknownInstance: false,
	} {
		t.Run(class.String(), func(t *testing.T) {
			b := newBreakerUnderTest(t, "llm")
			for range 2 * circuitFailures {
				if p, err := b.Admit("a"); err == nil {
					p.End(context.Background(), fault.New(class, "x"), b.on)
				}
			}
			if open := b.OpenCircuits() > 0; open != counts {
				t.Errorf("%s: open is %v", class, open)
			}
		})
	}
}

// TestBreaker_endsARowOfFailures checks which errors of a call end a row of failures. An
// error with which the upstream refuses one call ends the row, because it shows that the
// upstream works. An error that does not come from the upstream leaves the row as it is.
func TestBreaker_endsARowOfFailures(t *testing.T) {
	for class, ends := range map[fault.Class]bool{
		fault.Invalid: true, fault.Unauthenticated: true, fault.RateLimited: true, fault.ContentFiltered: true, fault.Conflict: true,
		fault.Internal: false, fault.Canceled: false, fault.UnknownInstance: false,
	} {
		t.Run(class.String(), func(t *testing.T) {
			b := newBreakerUnderTest(t, "llm")
			for range circuitFailures - 1 {
				b.call("a", errUpstream)
			}
			b.call("a", fault.New(class, "x"))
			b.call("a", errUpstream)
			if open := b.OpenCircuits() > 0; open == ends {
				t.Errorf("%s: open is %v", class, open)
			}
		})
	}
	if circuitFailures != 5 {
		t.Error("docs/operations.md says that five failures in a row open a circuit")
	}
}

// TestBreaker_opensForOneTenant checks that failures of one tenant alone open only that
// tenant's circuit, because the tenant's own requests may cause them.
func TestBreaker_opensForOneTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreakerUnderTest(t, "llm")
		for range circuitFailures {
			b.call("a", errUpstream)
		}
		b.wantRefused("a", 5*time.Second)
		b.call("b", nil)
		b.wantRefused("a", 5*time.Second)
		time.Sleep(5 * time.Second)
		b.call("a", errUpstream) // this call is the probe of the tenant's circuit
		b.wantRefused("a", 10*time.Second)
		b.call("b", nil)
		time.Sleep(10 * time.Second)
		b.call("a", nil)
		b.call("a", errUpstream)
		if b.OpenCircuits() != 0 {
			t.Error("the tenant's circuit did not close")
		}
		if log := b.log.String(); strings.Count(log, "circuit opened for one tenant") != 1 || strings.Count(log, `"tenant":"a"`) != 2 {
			t.Error(log)
		}
	})
}

// TestBreaker_AdmitUrgent checks that urgent calls pass while the circuit is open, and that
// a successful urgent call closes the circuit.
func TestBreaker_AdmitUrgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreakerUnderTest(t, "llm")
		for n := range circuitFailures {
			b.call([]string{"a", "b"}[n%2], errUpstream)
		}
		time.Sleep(time.Second)
		urgent := func(err error) {
			b.AdmitUrgent("a").End(context.Background(), err, b.on)
		}
		for range 10 {
			urgent(errUpstream)
		}
		b.wantRefused("a", 4*time.Second) // failed urgent calls do not lengthen the pause
		urgent(nil)
		b.call("c", nil)
	})
}

// TestBreaker_storagesAreAskedAgainSoon checks that each pause of a storage's circuit is
// storageCircuit long, however often the probe fails.
func TestBreaker_storagesAreAskedAgainSoon(t *testing.T) {
	for name, tenants := range map[string][]string{"shared circuit": {"a", "b"}, "tenant's circuit": {"a"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBreakerUnderTest(t, "storage")
				for n := range circuitFailures {
					b.call(tenants[n%len(tenants)], errUpstream)
				}
				for range 10 {
					b.wantRefused("a", storageCircuit)
					time.Sleep(storageCircuit)
					b.call("a", errUpstream)
				}
			})
		})
	}
}

// TestBreaker_keepsFewTenants checks that a breaker keeps circuits for at most
// bounds.FailingTenants tenants.
//
// beyond: failing tenants
func TestBreaker_keepsFewTenants(t *testing.T) {
	b := newBreakerUnderTest(t, "llm")
	b.shared.until = time.Now().Add(-time.Hour)
	for n := range 3 * bounds.FailingTenants {
		b.shared = circuit{}
		b.call(fmt.Sprint(n), errUpstream)
	}
	if len(b.tenants) > bounds.FailingTenants {
		t.Errorf("%d tenants are kept", len(b.tenants))
	}
}

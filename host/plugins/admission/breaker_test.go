package admission

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// breakerUnderTest is a breaker with its log, and the process that its calls are made on.
type breakerUnderTest struct {
	*Breaker
	t   *testing.T
	log *bytes.Buffer
	on  Process
}

// fakeProcess is a Process that has exited, or not.
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

// call makes a call that ends with err.
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
		b.t.Fatal("the check passes what is refused")
	}
}

var errUpstream = fault.New(fault.ProviderFailed, "down")

// The states of a circuit: closed, open, half-open, and open for longer.
func TestBreaker_opensProbesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreakerUnderTest(t, "llm")
		for range 2 * circuitFailures { // successes in between
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
			b.wantRefused("b", time.Second) // one alone
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
		b.wantRefused("a", 5*time.Second) // begins from the start again
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

// A refusal of one call says that the upstream is there. What says nothing of it does
// not make up for failures.
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
		b.call("a", errUpstream) // its own probe
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

// A probe whose answer has begun lets others pass, on probation.
func TestPermit_answerBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreakerUnderTest(t, "llm")
		for n := range circuitFailures {
			b.call([]string{"a", "b"}[n%2], errUpstream)
		}
		time.Sleep(5 * time.Second)
		probe := b.admit("c")
		b.wantRefused("a", time.Second)
		probe.AnswerBegan()
		other := b.admit("a")
		time.Sleep(time.Second)
		probe.End(context.Background(), errUpstream, b.on) // in the middle of its reply
		b.wantRefused("a", 10*time.Second)
		other.End(context.Background(), nil, b.on) // began before
		b.wantRefused("a", 10*time.Second)
		time.Sleep(10 * time.Second)
		probe = b.admit("c")
		probe.AnswerBegan()
		b.call("a", nil)
		probe.End(context.Background(), nil, b.on)
		b.call("a", errUpstream)
		b.call("b", nil)
	})
}

// A probe that says nothing about the upstream leaves its place to the next call.
func TestPermit_probeThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreakerUnderTest(t, "llm")
		for n := range circuitFailures {
			b.call([]string{"a", "b"}[n%2], errUpstream)
		}
		time.Sleep(5 * time.Second)
		gone, leave := context.WithCancel(context.Background())
		probe := b.admit("c")
		leave()
		probe.End(gone, fault.Of(gone.Err()), b.on)
		b.call("c", nil)
		b.call("a", nil)
	})
}

// TestPermit_endsAfterTheCircuitChanged checks that the result of a call does not count if
// the circuit opened or closed since the call was admitted.
func TestPermit_endsAfterTheCircuitChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreakerUnderTest(t, "llm")
		var early []*Permit
		for n := range 4 * circuitFailures {
			early = append(early, b.admit(fmt.Sprint(n)))
		}
		time.Sleep(time.Second)
		for _, p := range early[:circuitFailures] {
			p.End(context.Background(), errUpstream, b.on)
		}
		early[circuitFailures].End(context.Background(), nil, b.on)
		b.wantRefused("a", 5*time.Second)
		time.Sleep(5 * time.Second)
		b.call("a", nil)
		for _, p := range early[circuitFailures+1:] {
			p.End(context.Background(), errUpstream, b.on)
		}
		b.call("a", nil)
	})
}

// The end of a process cuts off many calls at once. It is one failure, and there is
// a supervisor for it.
func TestPermit_countsACrashOnce(t *testing.T) {
	b := newBreakerUnderTest(t, "llm")
	gone := fault.New(fault.PluginUnavailable, "gone")
	for n := range circuitFailures {
		if b.OpenCircuits() != 0 {
			t.Fatalf("open after %d crashes", n)
		}
		process := &fakeProcess{}
		b.on = process
		var cut []*Permit
		for i := range 100 {
			cut = append(cut, b.admit(fmt.Sprint(i)))
		}
		process.exited = true
		for _, p := range cut {
			p.End(context.Background(), gone, b.on)
		}
	}
	if b.OpenCircuits() != 1 {
		t.Error("closed after as many crashes as open it")
	}
	b = newBreakerUnderTest(t, "llm")
	for range 100 { // no process at all
		p, err := b.Admit("a")
		if err != nil {
			t.Fatal(err)
		}
		p.End(context.Background(), gone, nil)
	}
}

type blaming bool

func (b blaming) Error() string        { return "silent" }
func (b blaming) BlamesUpstream() bool { return bool(b) }

// A caller that gave up counts only when it blames the upstream.
func TestPermit_callerThatGaveUp(t *testing.T) {
	for cause, counts := range map[error]bool{blaming(true): true, blaming(false): false, context.Canceled: false, errors.New("x"): false} {
		b := newBreakerUnderTest(t, "llm")
		for range 2 * circuitFailures {
			p, err := b.Admit("a")
			if err != nil {
				break
			}
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(cause)
			p.End(ctx, fault.Of(ctx.Err()), b.on)
		}
		if open := b.OpenCircuits() > 0; open != counts {
			t.Errorf("%v: open is %v", cause, open)
		}
	}
}

// Urgent calls pass while the circuit is open, and close it when they succeed.
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
		b.wantRefused("a", 4*time.Second) // urgent calls are not probes
		urgent(nil)
		b.call("c", nil)
	})
}

// TestBreaker_storagesAreAskedAgainSoon checks that the pauses of a storage's circuit stay
// short, however long the database was away.
func TestBreaker_storagesAreAskedAgainSoon(t *testing.T) {
	for _, tenants := range [][]string{{"a", "b"}, {"a"}} {
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
	}
}

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

package admission

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// TestPermit_answerBegan checks that a circuit lets other calls pass as soon as the answer
// to its probe has begun, and that the next failure opens the circuit again.
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
		probe.End(context.Background(), errUpstream, b.on) // The probe fails after a part of its answer has arrived.
		b.wantRefused("a", 10*time.Second)
		// The call was admitted before the circuit opened again, so its success does not
		// count.
		other.End(context.Background(), nil, b.on)
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

// TestPermit_probeThatIsGivenUp checks that the next call becomes the probe if the caller
// of a probe gave up.
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

// TestPermit_countsACrashOnce checks that a crash of a process counts as one failure,
// however many calls it cuts off, and that calls that reached no process do not count.
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
		t.Errorf("the circuit is closed after %d crashes", circuitFailures)
	}
	b = newBreakerUnderTest(t, "llm")
	for range 100 { // these calls reach no process, so they do not count
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

// TestPermit_callerThatGaveUp checks that a call that its caller gave up counts as a
// failure only if the caller blames the upstream.
func TestPermit_callerThatGaveUp(t *testing.T) {
	for name, c := range map[string]struct {
		cause  error
		counts bool
	}{
		"BlamesUpstream returns true":  {blaming(true), true},
		"BlamesUpstream returns false": {blaming(false), false},
		"canceled":                     {context.Canceled, false},
		"another error":                {errors.New("x"), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBreakerUnderTest(t, "llm")
			for range 2 * circuitFailures {
				p, err := b.Admit("a")
				if err != nil {
					break
				}
				ctx, cancel := context.WithCancelCause(context.Background())
				cancel(c.cause)
				p.End(ctx, fault.Of(ctx.Err()), b.on)
			}
			if open := b.OpenCircuits() > 0; open != c.counts {
				t.Errorf("open is %v", open)
			}
		})
	}
}

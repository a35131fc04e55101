package llmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/internal/conformance"
	"github.com/botyard/botyard/sdk/llm"
)

// Rule is one promise, with a function that checks whether an LLM keeps it. Name identifies the
// rule. Doc states the promise in one sentence. Check(ctx, *Env) returns an error that says what is
// wrong, or [ErrSkip] if the rule does not apply to the tested LLM.
type Rule = conformance.Rule[Env]

// ErrSkip is the error of a rule that does not apply to the tested LLM.
var ErrSkip = conformance.ErrSkip

// Rules returns all rules in the order in which [Test] checks them.
func Rules() []Rule { return slices.Clone(rules) }

// Failure is a Rule that the LLM breaks. Its Err says why. [Test] joins the Failures of all broken
// rules.
type Failure = conformance.Failure[Env]

// Open opens the LLM under test. [Test] closes it if it is an io.Closer.
type Open func(ctx context.Context) (llm.LLM, error)

// Env gives a rule the LLM under test.
type Env struct {
	LLM llm.LLM
	settings
}

// traits returns the traits of the LLM under test: those of the option [Traits], or else those that
// the LLM itself has. ok is false if neither is there.
func (e *Env) traits(ctx context.Context) (t sdk.LLMTraits, ok bool) {
	if e.known != nil {
		return *e.known, true
	}
	if d, ok := e.LLM.(sdk.LLMDescriber); ok {
		return d.LLMTraits(ctx), true
	}
	return t, false
}

// Test opens the LLM and checks the rules. It returns all errors, joined: a [Failure] for each
// broken rule, or the reason why Test could not check the rules.
func Test(ctx context.Context, open Open, opts ...Option) error {
	set := settings{prompt: "Count from 1 to 10000, in words, one a line.", prompts: 10 * time.Second}
	for _, o := range opts {
		o(&set)
	}
	chosen, err := conformance.Named(rules, set.only)
	if err != nil {
		return err
	}
	m, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open the llm: %w", err)
	}
	run := conformance.Run[Env]{
		Rules: chosen, Except: set.except, Report: set.report,
		Env: func(Rule) *Env { return &Env{LLM: m, settings: set} },
	}
	wrong := run.Check(ctx)
	if err := conformance.Close(m); err != nil {
		wrong = append(wrong, fmt.Errorf("close the llm: %w", err))
	}
	return errors.Join(wrong...)
}

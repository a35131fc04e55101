package memorytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/internal/conformance"
	"github.com/botyard/botyard/sdk/memory"
)

// Rule is one promise, with a function that checks whether a memory keeps it. Name identifies the
// rule. Doc states the promise in one sentence. Check(ctx, *Env) returns an error that says what is
// wrong, or [ErrSkip] if the rule does not apply to the tested memory.
type Rule = conformance.Rule[Env]

// ErrSkip is the error of a rule that does not apply to the tested memory.
var ErrSkip = conformance.ErrSkip

// Rules returns all rules in the order in which [Test] checks them.
func Rules() []Rule {
	return slices.Concat(recallRules, rememberRules, retractRules, forgetRules, checkRules)
}

// Failure is a Rule that the memory breaks. Its Err says why. [Test] joins the Failures of all
// broken rules.
type Failure = conformance.Failure[Env]

// Open opens the memory under test. [Test] closes it if it is an io.Closer.
type Open func(ctx context.Context) (memory.Memory, error)

// Option changes how [Test] runs.
type Option func(*settings)

type settings struct {
	except []string
	only   []string
	report func(Rule, time.Duration, error)
}

// Except leaves out the rules with these names.
func Except(names ...string) Option { return func(s *settings) { s.except = names } }

// Only limits the check to the rules with these names.
func Only(names ...string) Option { return func(s *settings) { s.only = names } }

// Report sets a function that is called after each rule, with the rule's duration and error. The
// error is nil if the rule passed, and [ErrSkip] if the rule does not apply.
func Report(f func(rule Rule, took time.Duration, err error)) Option {
	return func(s *settings) { s.report = f }
}

// Test opens the memory and checks the rules. It returns all errors, joined: a [Failure] for each
// broken rule, or the reason why Test could not check the rules.
func Test(ctx context.Context, open Open, opts ...Option) error {
	var set settings
	for _, o := range opts {
		o(&set)
	}
	chosen, err := conformance.Named(Rules(), set.only)
	if err != nil {
		return err
	}
	m, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open the memory: %w", err)
	}
	name := newRun()
	run := conformance.Run[Env]{
		Rules: chosen, Except: set.except, Report: set.report,
		Env: func(r Rule) *Env { return &Env{Memory: m, rule: r.Name, run: name} },
	}
	wrong := run.Check(ctx)
	if err := conformance.Close(m); err != nil {
		wrong = append(wrong, fmt.Errorf("close the memory: %w", err))
	}
	return errors.Join(wrong...)
}

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

// Rule is one promise and how to see whether it is kept: its Name, a sentence, Doc,
// and Check(ctx, *Env), which answers what is wrong, or [ErrSkip] when the rule is
// not for this memory.
type Rule = conformance.Rule[Env]

// ErrSkip is what a rule answers that does not apply.
var ErrSkip = conformance.ErrSkip

// Rules lists all rules in the order in which [Test] checks them.
func Rules() []Rule { return slices.Clone(rules) }

// Failure is a Rule that is not kept, and Err, why. [Test] joins one for each.
type Failure = conformance.Failure[Env]

// Open opens the memory under test. Memories that are io.Closers are closed.
type Open func(ctx context.Context) (memory.Memory, error)

// Option changes how [Test] runs.
type Option func(*settings)

type settings struct{ except []string }

// Except leaves out the rules of these names.
func Except(names ...string) Option { return func(s *settings) { s.except = names } }

const ruleTimeout = time.Minute

// Test opens the memory, checks the rules and answers all that is wrong, joined: a
// [Failure] for each rule, or what kept it from checking.
func Test(ctx context.Context, open Open, opts ...Option) error {
	var set settings
	for _, o := range opts {
		o(&set)
	}
	m, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open the memory: %w", err)
	}
	name := newRun()
	run := conformance.Run[Env]{
		Rules: rules, Except: set.except,
		Timeout: func(Rule) time.Duration { return ruleTimeout },
		Env:     func(r Rule) *Env { return &Env{Memory: m, rule: r.Name, run: name} },
	}
	wrong := run.Check(ctx)
	if err := conformance.Close(m); err != nil {
		wrong = append(wrong, fmt.Errorf("close the memory: %w", err))
	}
	return errors.Join(wrong...)
}

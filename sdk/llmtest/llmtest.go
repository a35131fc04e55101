package llmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/internal/conformance"
	"github.com/botyard/botyard/sdk/llm"
)

// Rule is one promise and how to see whether it is kept: its Name, a sentence, Doc,
// and Check(ctx, *Env), which answers what is wrong, or [ErrSkip] when the rule is
// not for this LLM.
type Rule = conformance.Rule[Env]

// ErrSkip is what a rule answers that does not apply.
var ErrSkip = conformance.ErrSkip

// Rules lists all rules in the order in which [Test] checks them.
func Rules() []Rule { return slices.Clone(rules) }

// Failure is a Rule that is not kept, and Err, why. [Test] joins one for each.
type Failure = conformance.Failure[Env]

// Open opens the LLM under test. LLMs that are io.Closers are closed.
type Open func(ctx context.Context) (llm.LLM, error)

// Env is what a rule works with.
type Env struct {
	LLM llm.LLM
	settings
}

const ruleTimeout = 5 * time.Minute

// Test opens the LLM, checks the rules and answers all that is wrong, joined: a
// [Failure] for each rule, or what kept it from checking.
func Test(ctx context.Context, open Open, opts ...Option) error {
	set := settings{prompt: "Count from 1 to 10000, in words, one a line.", prompts: 10 * time.Second}
	for _, o := range opts {
		o(&set)
	}
	m, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open the llm: %w", err)
	}
	run := conformance.Run[Env]{
		Rules: rules, Except: set.except,
		Timeout: func(Rule) time.Duration { return ruleTimeout },
		Env:     func(Rule) *Env { return &Env{LLM: m, settings: set} },
	}
	wrong := run.Check(ctx)
	if err := conformance.Close(m); err != nil {
		wrong = append(wrong, fmt.Errorf("close the llm: %w", err))
	}
	return errors.Join(wrong...)
}

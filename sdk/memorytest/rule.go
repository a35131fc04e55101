package memorytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/memory"
)

// Rule is one promise and how to see whether it is kept.
type Rule struct {
	Name string
	Doc  string // one sentence
	// Check answers what is wrong, or [ErrSkip] when the rule is not for this memory.
	Check func(ctx context.Context, env *Env) error
}

// ErrSkip is what a rule answers that does not apply.
var ErrSkip = errors.New("the rule does not apply")

// Rules lists all rules in the order in which [Test] checks them.
func Rules() []Rule { return slices.Clone(rules) }

// Failure is a rule that is not kept. [Test] joins one for each.
type Failure struct {
	Rule Rule
	Err  error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %s\n\t%v", f.Rule.Name, f.Rule.Doc, f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }

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
	run := newRun()
	var wrong []error
	for _, r := range rules {
		if slices.Contains(set.except, r.Name) {
			continue
		}
		err := check(ctx, r, &Env{Memory: m, rule: r.Name, run: run})
		if err != nil && !errors.Is(err, ErrSkip) {
			wrong = append(wrong, &Failure{Rule: r, Err: err})
		}
	}
	if c, ok := m.(io.Closer); ok {
		if err := c.Close(); err != nil {
			wrong = append(wrong, fmt.Errorf("close the memory: %w", err))
		}
	}
	return errors.Join(wrong...)
}

func check(ctx context.Context, r Rule, env *Env) (err error) {
	ctx, cancel := context.WithTimeout(ctx, ruleTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.Check(ctx, env)
}

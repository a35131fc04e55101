package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"
)

// Rule is one promise and how to see whether it is kept.
type Rule[E any] struct {
	Name string
	Doc  string // one sentence
	Slow bool   // takes long; kits that have an option for it make it smaller
	// Check answers what is wrong, or [ErrSkip] when the rule is not for what is tested.
	Check func(ctx context.Context, env *E) error
}

// ErrSkip is what a rule answers that does not apply.
var ErrSkip = errors.New("the rule does not apply")

// Failure is a rule that is not kept.
type Failure[E any] struct {
	Rule Rule[E]
	Err  error
}

func (f *Failure[E]) Error() string {
	return fmt.Sprintf("%s: %s\n\t%v", f.Rule.Name, f.Rule.Doc, f.Err)
}

func (f *Failure[E]) Unwrap() error { return f.Err }

// Named finds the rules of these names, in their order; all rules for nil.
func Named[E any](rules []Rule[E], names []string) ([]Rule[E], error) {
	if names == nil {
		return rules, nil
	}
	var chosen []Rule[E]
	for _, name := range names {
		i := slices.IndexFunc(rules, func(r Rule[E]) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no rule %q", name)
		}
		chosen = append(chosen, rules[i])
	}
	return chosen, nil
}

// Run is how rules are checked.
type Run[E any] struct {
	Rules   []Rule[E]
	Except  []string                    // names of rules that are left out
	Timeout func(Rule[E]) time.Duration // of one rule: what hangs fails it
	Env     func(Rule[E]) *E            // that the rule alone works with
	// Clean, unless nil, ends a rule, also one that failed.
	Clean func(*E) error
	// Report, unless nil, hears of each rule how long it took and what was wrong, or
	// ErrSkip.
	Report func(rule Rule[E], took time.Duration, err error)
}

// Check checks the rules one after the other and answers a [Failure] for each that
// is not kept. It ends early when ctx does, with that as the last error.
func (r *Run[E]) Check(ctx context.Context) []error {
	var wrong []error
	for _, rule := range r.Rules {
		if slices.Contains(r.Except, rule.Name) {
			continue
		}
		if ctx.Err() != nil {
			return append(wrong, ctx.Err())
		}
		start := time.Now()
		err := r.one(ctx, rule)
		if r.Report != nil {
			r.Report(rule, time.Since(start), err)
		}
		if err != nil && !errors.Is(err, ErrSkip) {
			wrong = append(wrong, &Failure[E]{Rule: rule, Err: err})
		}
	}
	return wrong
}

func (r *Run[E]) one(ctx context.Context, rule Rule[E]) error {
	env := r.Env(rule)
	err := guarded(func() error { return bounded(ctx, rule, r.Timeout(rule), env) })
	if r.Clean == nil {
		return err
	}
	left := guarded(func() error { return r.Clean(env) })
	if left != nil && errors.Is(err, ErrSkip) {
		return left
	}
	return errors.Join(err, left)
}

// bounded says of a check that failed whether it ran out of time.
func bounded[E any](ctx context.Context, rule Rule[E], timeout time.Duration, env *E) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errors.New("the rule took too long"))
	defer cancel()
	err := rule.Check(ctx, env)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return err
}

// guarded turns panics into errors.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// Close closes what is an io.Closer.
func Close(v any) error {
	if c, ok := v.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

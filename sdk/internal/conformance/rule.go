package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"
)

// Rule is one promise, with a function that checks whether a plugin keeps it.
type Rule[E any] struct {
	Name string
	Doc  string // one sentence that states the promise
	// Slow marks a rule that takes long. A kit may have an option that shortens slow rules.
	Slow bool
	// Check returns an error that says what is wrong. It returns [ErrSkip] if the rule does not
	// apply to the tested plugin. If it joins both, the rule fails.
	Check func(ctx context.Context, env *E) error
}

// ErrSkip is the error of a rule that does not apply to the tested plugin.
var ErrSkip = errors.New("the rule does not apply")

// Failure is a rule that the plugin breaks.
type Failure[E any] struct {
	Rule Rule[E]
	Err  error
}

func (f *Failure[E]) Error() string {
	return fmt.Sprintf("%s: %s\n\t%v", f.Rule.Name, f.Rule.Doc, f.Err)
}

func (f *Failure[E]) Unwrap() error { return f.Err }

// Named returns the rules with these names, in the order of the names. It returns all rules if
// names is nil.
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

// RuleTimeout is the default bound of the time that one rule takes. It is far above what any rule takes
// on a slow and busy machine, because it only ends a plugin that hangs.
const RuleTimeout = 5 * time.Minute

// Run holds the rules of one check, and the functions that prepare and finish each rule.
type Run[E any] struct {
	Rules   []Rule[E]
	Except  []string         // names of rules to skip
	Timeout time.Duration    // how long one rule may take; a rule that takes longer fails. 0 means RuleTimeout
	Env     func(Rule[E]) *E // returns the environment of one rule
	// Clean is called after each rule, also after a rule that failed. It may be nil.
	Clean func(*E) error
	// Report is called after each rule with the rule's duration, and with its error or ErrSkip. It
	// may be nil.
	Report func(rule Rule[E], took time.Duration, err error)
}

// Check checks the rules one after the other and returns a [Failure] for each rule that the plugin
// breaks. It stops early when ctx is canceled, and then returns the error of ctx as the last error.
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
		if err != nil && !isSkip(err) {
			wrong = append(wrong, &Failure[E]{Rule: rule, Err: err})
		}
	}
	return wrong
}

func (r *Run[E]) one(ctx context.Context, rule Rule[E]) error {
	env := r.Env(rule)
	err := guarded(func() error { return bounded(ctx, rule, cmp.Or(r.Timeout, RuleTimeout), env) })
	if r.Clean == nil {
		return err
	}
	left := guarded(func() error { return r.Clean(env) })
	if left != nil && isSkip(err) {
		return left
	}
	return errors.Join(err, left)
}

// bounded calls the rule's Check with a timeout. If Check fails after the timeout, the error says
// that the rule took too long.
func bounded[E any](ctx context.Context, rule Rule[E], timeout time.Duration, env *E) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errors.New("the rule took too long"))
	defer cancel()
	err := withoutSkips(rule.Check(ctx, env))
	if cause := context.Cause(ctx); err != nil && cause != nil && !isSkip(err) {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return err
}

// isSkip reports whether err says that the rule does not apply, and nothing else.
func isSkip(err error) bool { return errors.Is(err, ErrSkip) && errors.Is(withoutSkips(err), ErrSkip) }

// withoutSkips returns err without the ErrSkip that it is joined with, so that no skip hides a fault. It
// returns err itself if err has one of the two only.
func withoutSkips(err error) error {
	if !errors.Is(err, ErrSkip) {
		return err
	}
	var faults []error
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if one = withoutSkips(one); one != nil && !errors.Is(one, ErrSkip) {
				faults = append(faults, one)
			}
		}
	case interface{ Unwrap() error }:
		if one := withoutSkips(e.Unwrap()); one != nil && !errors.Is(one, ErrSkip) {
			return one
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	return err
}

// guarded calls f and returns a panic of f as an error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// Close closes v if v is an io.Closer.
func Close(v any) error {
	if c, ok := v.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

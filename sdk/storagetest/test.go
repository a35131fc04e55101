package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// Open opens the storage under test. Storages that are io.Closers are closed.
type Open func(ctx context.Context) (storage.Storage, error)

// Option changes how [Test] runs.
type Option func(*settings)

type settings struct {
	short   bool
	durable bool
	only    []string
	lease   time.Duration
	report  func(Rule, time.Duration, error)
}

// Short leaves out slow rules.
func Short() Option { return func(s *settings) { s.short = true } }

// Only checks just the rules of these names.
func Only(names ...string) Option { return func(s *settings) { s.only = names } }

// Lease sets the lease that rules wait out, 500 ms unless told: longer than any
// pause of the machine or the network under test.
func Lease(d time.Duration) Option { return func(s *settings) { s.lease = d } }

// Durable says that what was written is there again when the storage was closed
// and opened anew.
func Durable() Option { return func(s *settings) { s.durable = true } }

// Report calls f after each rule with how long it took and what was wrong: nil,
// or [ErrSkip] for a rule that did not apply or was left out.
func Report(f func(rule Rule, took time.Duration, err error)) Option {
	return func(s *settings) { s.report = f }
}

// ruleTimeout bounds one rule; a storage that hangs fails it.
const (
	ruleTimeout     = time.Minute
	slowRuleTimeout = 5 * time.Minute
)

// Test opens the storage, checks the rules one after the other and answers all
// that is wrong, joined: a [Failure] for each rule, or what kept it from checking.
func Test(ctx context.Context, open Open, opts ...Option) error {
	set := settings{lease: 500 * time.Millisecond, report: func(Rule, time.Duration, error) {}}
	for _, o := range opts {
		o(&set)
	}
	rules, err := set.choose()
	if err != nil {
		return err
	}
	s, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open the storage: %w", err)
	}
	b := &bench{open: open, storage: s, settings: set, run: newRun()}
	var wrong []error
	for _, r := range rules {
		if ctx.Err() != nil {
			wrong = append(wrong, ctx.Err())
			break
		}
		start := time.Now()
		err := b.check(ctx, r)
		set.report(r, time.Since(start), err)
		if err != nil && !errors.Is(err, ErrSkip) {
			wrong = append(wrong, &Failure{Rule: r, Err: err})
		}
	}
	if err := b.close(); err != nil {
		wrong = append(wrong, fmt.Errorf("close the storage: %w", err))
	}
	return errors.Join(wrong...)
}

func (s *settings) choose() ([]Rule, error) {
	rules := Rules()
	if s.only == nil {
		return rules, nil
	}
	var chosen []Rule
	for _, name := range s.only {
		i := slices.IndexFunc(rules, func(r Rule) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no rule %q", name)
		}
		chosen = append(chosen, rules[i])
	}
	return chosen, nil
}

// bench holds the storage while rules go by.
type bench struct {
	settings
	open    Open
	storage storage.Storage
	run     string
}

func (b *bench) check(ctx context.Context, r Rule) (err error) {
	timeout := ruleTimeout
	if r.Slow {
		if b.short {
			return ErrSkip
		}
		timeout = slowRuleTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errors.New("the rule took too long"))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	env := &Env{Storage: b.storage, Lease: b.lease, rule: r.Name, run: b.run}
	if b.durable {
		env.reopen = b.reopen
	}
	err = r.Check(ctx, env)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return errors.Join(err, env.clean())
}

func (b *bench) reopen(ctx context.Context) (storage.Storage, error) {
	if err := b.close(); err != nil {
		return nil, fmt.Errorf("close the storage: %w", err)
	}
	s, err := b.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the storage again: %w", err)
	}
	b.storage = s
	return s, nil
}

func (b *bench) close() error {
	if c, ok := b.storage.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

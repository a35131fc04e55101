package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/internal/conformance"
	"github.com/botyard/botyard/sdk/storage"
)

// Open opens the storage under test. [Test] closes it if it is an io.Closer.
type Open func(ctx context.Context) (storage.Storage, error)

// Option changes how [Test] runs.
type Option func(*settings)

type settings struct {
	short   bool
	durable bool
	peers   []Open
	only    []string
	lease   time.Duration
	report  func(Rule, time.Duration, error)
}

// Short makes slow rules smaller.
func Short() Option { return func(s *settings) { s.short = true } }

// Only checks only the rules with these names.
func Only(names ...string) Option { return func(s *settings) { s.only = names } }

// Lease sets the lease whose end rules wait for, by default 500 ms. It must be longer than any
// pause of the machine or the network under test.
func Lease(d time.Duration) Option { return func(s *settings) { s.lease = d } }

// Durable declares that the storage keeps its data when it is closed and opened again. It adds the
// rules that check this.
func Durable() Option { return func(s *settings) { s.durable = true } }

// Peers opens the same storage more times: from other processes, or over other connections. What
// one writes, the others see. Peers are opened once, at the start, and closed at the end.
func Peers(open ...Open) Option { return func(s *settings) { s.peers = append(s.peers, open...) } }

// Report calls f after each rule, with the time that it took and its error. The error is nil if the
// rule passed, and [ErrSkip] if it does not apply or was left out.
func Report(f func(rule Rule, took time.Duration, err error)) Option {
	return func(s *settings) { s.report = f }
}

// noticeTimeout bounds the time until a watch reports a change. Hosts are promised a second. The
// bound is longer, so that no rule fails because the machine is slow.
const noticeTimeout = 5 * time.Second

// ruleTimeout bounds one rule; a storage that hangs fails it.
const (
	ruleTimeout     = time.Minute
	slowRuleTimeout = 5 * time.Minute
)

// Test opens the storage and checks the rules one after the other. It returns all errors, joined: a
// [Failure] for each rule that failed, or the reason why it could not check.
func Test(ctx context.Context, open Open, opts ...Option) error {
	set := settings{lease: 500 * time.Millisecond}
	for _, o := range opts {
		o(&set)
	}
	rules, err := conformance.Named(Rules(), set.only)
	if err != nil {
		return err
	}
	s, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open the storage: %w", err)
	}
	b := &bench{open: open, storage: s, settings: set, run: newRun()}
	if err := b.openPeers(ctx); err != nil {
		return errors.Join(err, b.close())
	}
	run := conformance.Run[Env]{Rules: rules, Timeout: b.timeout, Env: b.env, Clean: (*Env).clean, Report: set.report}
	wrong := run.Check(ctx)
	return errors.Join(append(wrong, b.close())...)
}

// bench holds the opened storage while the rules run.
type bench struct {
	settings
	open    Open
	storage storage.Storage
	others  []storage.Storage // the storages that Peers opened
	run     string
}

func (b *bench) timeout(r Rule) time.Duration {
	if r.Slow && !b.short {
		return slowRuleTimeout
	}
	return ruleTimeout
}

func (b *bench) env(r Rule) *Env {
	env := &Env{Storage: b.storage, Peers: b.others, Lease: b.lease, Short: b.short, rule: r.Name, run: b.run}
	if b.durable {
		env.reopen = b.reopen
	}
	return env
}

func (b *bench) openPeers(ctx context.Context) error {
	for i, open := range b.peers {
		s, err := open(ctx)
		if err != nil {
			return fmt.Errorf("open peer %d of the storage: %w", i+1, err)
		}
		b.others = append(b.others, s)
	}
	return nil
}

func (b *bench) reopen(ctx context.Context) (storage.Storage, error) {
	if err := conformance.Close(b.storage); err != nil {
		return nil, fmt.Errorf("close the storage: %w", err)
	}
	s, err := b.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the storage again: %w", err)
	}
	b.storage = s
	return s, nil
}

// close closes everything that was opened.
func (b *bench) close() error {
	var wrong []error
	for _, s := range append(b.others, b.storage) {
		if err := conformance.Close(s); err != nil {
			wrong = append(wrong, fmt.Errorf("close the storage: %w", err))
		}
	}
	return errors.Join(wrong...)
}

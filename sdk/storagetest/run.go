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
	short    bool
	durable  bool
	peers    []Open
	only     []string
	lease    time.Duration
	features []string
	report   func(Rule, time.Duration, error)
}

// Short makes slow rules use less data, so that they are faster.
func Short() Option { return func(s *settings) { s.short = true } }

// Only limits the check to the rules with these names.
func Only(names ...string) Option { return func(s *settings) { s.only = names } }

// Lease sets the short lease that rules wait for. The default is 500 ms. The lease must be longer
// than any pause of the machine or of the network.
func Lease(d time.Duration) Option { return func(s *settings) { s.lease = d } }

// Durable declares that the storage keeps its data when it is closed and opened again. The rules
// that check this run only with Durable.
func Durable() Option { return func(s *settings) { s.durable = true } }

// Features declares what the storage can do that none of its interfaces shows. The rules of
// feature.Retract run only if it is declared. Other features may be declared too.
func Features(names ...string) Option {
	return func(s *settings) { s.features = append(s.features, names...) }
}

// Peers adds functions that open the same storage again, from another process or over another
// connection. Each opened storage must see what the other opened storages write. [Test] opens the
// peers at its start and closes them at its end.
func Peers(open ...Open) Option { return func(s *settings) { s.peers = append(s.peers, open...) } }

// Report sets a function that is called after each rule, with the rule's duration and error. The
// error is nil if the rule passed, and [ErrSkip] if the rule does not apply.
func Report(f func(rule Rule, took time.Duration, err error)) Option {
	return func(s *settings) { s.report = f }
}

// noticeTimeout bounds the time until a watch reports a change. A watch should report a change
// within a second. The bound is longer, so that no rule fails because the machine is slow.
const noticeTimeout = 5 * time.Second

// Test opens the storage and checks the rules one after the other. It returns all errors, joined: a
// [Failure] for each broken rule, or the reason why Test could not check the rules.
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
	run := conformance.Run[Env]{Rules: rules, Env: b.env, Clean: (*Env).clean, Report: set.report}
	wrong := run.Check(ctx)
	return errors.Join(append(wrong, b.close())...)
}

// bench holds the opened storages of a run.
type bench struct {
	settings
	open    Open
	storage storage.Storage
	others  []storage.Storage // the storages that Peers opened
	run     string
}

func (b *bench) env(r Rule) *Env {
	env := &Env{Storage: b.storage, Peers: b.others, Lease: b.lease, Short: b.short, features: b.features, rule: r.Name, run: b.run}
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

// close closes all opened storages.
func (b *bench) close() error {
	var wrong []error
	for _, s := range append(b.others, b.storage) {
		if err := conformance.Close(s); err != nil {
			wrong = append(wrong, fmt.Errorf("close the storage: %w", err))
		}
	}
	return errors.Join(wrong...)
}

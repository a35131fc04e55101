package llmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// Rule is one promise and how to see whether it is kept.
type Rule struct {
	Name string
	Doc  string // one sentence
	// Check answers what is wrong, or [ErrSkip] when the rule is not for this LLM.
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

// Open opens the LLM under test. LLMs that are io.Closers are closed.
type Open func(ctx context.Context) (llm.LLM, error)

// Env is what a rule works with.
type Env struct {
	LLM llm.LLM
	settings
}

type settings struct {
	except  []string
	expect  func(*llm.Request) string
	failing Open
	class   fault.Class
	prompt  string
	prompts time.Duration
}

// Option changes how [Test] runs.
type Option func(*settings)

// Except leaves out the rules of these names.
func Except(names ...string) Option { return func(s *settings) { s.except = names } }

// Expect says what the reply to a request must be, to the letter.
func Expect(reply func(*llm.Request) string) Option { return func(s *settings) { s.expect = reply } }

// LongPrompt is a user message whose reply takes long to generate, for rules that
// give up on it.
func LongPrompt(text string) Option { return func(s *settings) { s.prompt = text } }

// Prompt bounds the time in which Chat returns after it was canceled: 2 s unless
// told.
func Prompt(d time.Duration) Option { return func(s *settings) { s.prompts = d } }

// Fails brings an LLM whose every Chat must fail with the class: a wrong address,
// a bad key.
func Fails(open Open, class fault.Class) Option {
	return func(s *settings) { s.failing, s.class = open, class }
}

const ruleTimeout = 5 * time.Minute

// Test opens the LLM, checks the rules and answers all that is wrong, joined: a
// [Failure] for each rule, or what kept it from checking.
func Test(ctx context.Context, open Open, opts ...Option) error {
	set := settings{prompt: "Count from 1 to 10000, in words, one a line.", prompts: 2 * time.Second}
	for _, o := range opts {
		o(&set)
	}
	m, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open the llm: %w", err)
	}
	var wrong []error
	for _, r := range rules {
		if slices.Contains(set.except, r.Name) {
			continue
		}
		err := check(ctx, r, &Env{LLM: m, settings: set})
		if err != nil && !errors.Is(err, ErrSkip) {
			wrong = append(wrong, &Failure{Rule: r, Err: err})
		}
	}
	if err := closeLLM(m); err != nil {
		wrong = append(wrong, fmt.Errorf("close the llm: %w", err))
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

func closeLLM(m llm.LLM) error {
	if c, ok := m.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

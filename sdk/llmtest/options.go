package llmtest

import (
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// settings are the options of a run.
type settings struct {
	except  []string // names of rules to leave out
	only    []string // names of the rules to check; nil means all
	report  func(Rule, time.Duration, error)
	expect  func(*llm.Request) string
	failing Open           // opens an LLM whose calls fail with class; may be nil
	class   fault.Class    // see failing
	prompt  string         // the message with a long reply
	prompts time.Duration  // how long Chat may take to return after it was canceled
	known   *sdk.LLMTraits // the traits of an LLM that does not say them

	overrides bool
}

// Option changes how [Test] runs.
type Option func(*settings)

// Except leaves out the rules with these names.
func Except(names ...string) Option { return func(s *settings) { s.except = names } }

// Only limits the check to the rules with these names.
func Only(names ...string) Option { return func(s *settings) { s.only = names } }

// Report sets a function that is called after each rule, with the rule's duration and error. The
// error is nil if the rule passed, and [ErrSkip] if the rule does not apply.
func Report(f func(rule Rule, took time.Duration, err error)) Option {
	return func(s *settings) { s.report = f }
}

// Expect sets a function that returns the exact text of the reply to a request.
func Expect(reply func(*llm.Request) string) Option { return func(s *settings) { s.expect = reply } }

// LongPrompt sets a user message whose reply takes long. Some rules cancel the reply to it.
func LongPrompt(text string) Option { return func(s *settings) { s.prompt = text } }

// Prompt sets how long Chat may take to return after it was canceled. The default is 10 seconds.
func Prompt(d time.Duration) Option { return func(s *settings) { s.prompts = d } }

// Traits says what the LLM takes, for an LLM that does not implement sdk.LLMDescriber, such as a
// client of a plugin's process.
func Traits(t sdk.LLMTraits) Option { return func(s *settings) { s.known = &t } }

// Overrides says that the LLM's plugin has the feature feature.Overrides.
func Overrides() Option { return func(s *settings) { s.overrides = true } }

// Fails adds an LLM whose calls of Chat must all fail with the class. Such an LLM has for example a
// wrong address or a wrong key.
func Fails(open Open, class fault.Class) Option {
	return func(s *settings) { s.failing, s.class = open, class }
}

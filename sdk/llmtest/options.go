package llmtest

import (
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

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

// Prompt bounds the time in which Chat returns after it was canceled: 10 s unless
// told.
func Prompt(d time.Duration) Option { return func(s *settings) { s.prompts = d } }

// Fails brings an LLM whose every Chat must fail with the class: a wrong address,
// a bad key.
func Fails(open Open, class fault.Class) Option {
	return func(s *settings) { s.failing, s.class = open, class }
}

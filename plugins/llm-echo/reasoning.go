package echo

import (
	"strings"

	"github.com/botyard/botyard/sdk/chat"
)

// thinkPrefix begins a line of the last user message. The rest of such a line is reasoning of the
// reply.
const thinkPrefix = "Think: "

// reasoning returns the reasoning of the reply. It is fixed, the value of the key reasoning, if that is
// not empty. Otherwise it is the rest of the lines of the last user message that begin with
// thinkPrefix.
func reasoning(fixed string, messages []chat.Message) string {
	if fixed != "" {
		return fixed
	}
	last := lastUser(messages)
	if last < 0 {
		return ""
	}
	text := messages[last].Text()
	if !strings.Contains(text, thinkPrefix) {
		return ""
	}
	var thoughts []string
	for line := range strings.Lines(text) {
		if thought, ok := strings.CutPrefix(line, thinkPrefix); ok {
			thoughts = append(thoughts, strings.TrimRight(thought, "\r\n"))
		}
	}
	return strings.Join(thoughts, "\n")
}

package echo

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"

	"github.com/botyard/botyard/sdk/chat"
)

// question is the question that the reply answers from earlier messages, in the form that plain returns.
const question = "do you remember me"

// compose returns the natural reply to the messages. It copies texts without interpreting them.
func compose(messages []chat.Message) string {
	if said := results(messages); said != "" {
		return said
	}
	last := lastUser(messages)
	said := ""
	earlier := messages
	if last >= 0 {
		said = messages[last].Text()
		earlier = messages[:last]
	}
	if plain(said) == question {
		return remember(earlier)
	}

	var b strings.Builder
	b.WriteString(`You said: "`)
	b.WriteString(said)
	b.WriteString(`". `)
	if last >= 0 {
		if shown := describeMedia(messages[last].Parts); shown != "" {
			b.WriteString("You showed: ")
			b.WriteString(shown)
			b.WriteString(". ")
		}
	}

	instructions, any := systemText(messages)
	if any {
		b.WriteString(`My instructions: "`)
		b.WriteString(instructions)
		b.WriteString(`". `)
	} else {
		b.WriteString("I have no instructions. ")
	}

	shown, first := 0, ""
	for _, m := range earlier {
		if m.Role == chat.System {
			continue
		}
		if shown == 0 {
			first = m.Text()
		}
		shown++
	}
	if shown == 0 {
		b.WriteString("I was shown no earlier messages.")
		return b.String()
	}
	b.WriteString("I was shown ")
	b.WriteString(strconv.Itoa(shown))
	b.WriteString(" earlier message")
	if shown > 1 {
		b.WriteByte('s')
	}
	b.WriteString(`, the first: "`)
	b.WriteString(first)
	b.WriteString(`".`)
	return b.String()
}

// show returns the messages as JSON.
func show(messages []chat.Message) string {
	out, _ := json.Marshal(messages) // cannot fail, because messages have only texts, bytes and numbers
	return string(out)
}

func remember(earlier []chat.Message) string {
	for _, m := range earlier {
		if m.Role == chat.User {
			return "Yes, you asked about: " + m.Text()
		}
	}
	return "No, I was shown no earlier message of yours."
}

func lastUser(messages []chat.Message) int {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == chat.User {
			return i
		}
	}
	return -1
}

func systemText(messages []chat.Message) (text string, any bool) {
	for _, m := range messages {
		if m.Role != chat.System {
			continue
		}
		if any {
			text += "\n\n"
		}
		text += m.Text()
		any = true
	}
	return text, any
}

// plain returns s in lower case, with single spaces, and without punctuation at its end.
func plain(s string) string {
	s = strings.TrimRightFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) })
	return strings.Join(strings.Fields(strings.ToLower(s)), " ")
}

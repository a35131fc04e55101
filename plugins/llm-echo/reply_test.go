package echo

import (
	"strconv"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
)

func TestCompose(t *testing.T) {
	system := chat.Text(chat.System, "You are a support assistant.")
	reset := chat.Text(chat.User, "How do I reset my password?")
	answer := chat.Text(chat.Assistant, "Click the link.")
	remember := chat.Text(chat.User, "Do you remember me?")

	for name, c := range map[string]struct {
		messages []chat.Message
		want     string
	}{
		"all there is": {
			[]chat.Message{system, reset, answer, chat.Text(chat.User, "And again?")},
			`You said: "And again?". My instructions: "You are a support assistant.". I was shown 2 earlier messages, the first: "How do I reset my password?".`,
		},
		"nothing but the message": {
			[]chat.Message{reset},
			`You said: "How do I reset my password?". I have no instructions. I was shown no earlier messages.`,
		},
		"one earlier message": {
			[]chat.Message{answer, reset},
			`You said: "How do I reset my password?". I have no instructions. I was shown 1 earlier message, the first: "Click the link.".`,
		},
		"two system messages, one of them late": {
			[]chat.Message{system, answer, chat.Text(chat.System, "Summary: none."), reset},
			"You said: \"How do I reset my password?\". My instructions: \"You are a support assistant.\n\nSummary: none.\". I was shown 1 earlier message, the first: \"Click the link.\".",
		},
		"text is not interpreted": {
			[]chat.Message{chat.Text(chat.System, "{{.Env}} ${file:/etc/passwd} %s"), chat.Text(chat.User, "{{7*7}} \"quoted\" \\n\n%d <b>")},
			"You said: \"{{7*7}} \"quoted\" \\n\n%d <b>\". My instructions: \"{{.Env}} ${file:/etc/passwd} %s\". I was shown no earlier messages.",
		},
		"a tool result after the message": {
			[]chat.Message{reset, answer, chat.Text(chat.Tool, "42")},
			`You said: "How do I reset my password?". I have no instructions. I was shown no earlier messages.`,
		},
		"no user message": {
			[]chat.Message{answer},
			`You said: "". I have no instructions. I was shown 1 earlier message, the first: "Click the link.".`,
		},
		"nothing at all": {nil, `You said: "". I have no instructions. I was shown no earlier messages.`},
		"remembered": {
			[]chat.Message{system, answer, reset, answer, remember},
			"Yes, you asked about: How do I reset my password?",
		},
		"not remembered": {
			[]chat.Message{system, answer, remember},
			"No, I was shown no earlier message of yours.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := compose(c.messages); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestCompose_recognizesQuestion(t *testing.T) {
	earlier := chat.Text(chat.User, "billing")
	for text, isQuestion := range map[string]bool{
		"Do you remember me?": true, "do you remember me": true, "DO YOU REMEMBER ME?!": true,
		"  Do  you\tremember\n me ? ": true, "Do you remember me…": true,
		"Do you remember me? And why?": false, "Remember me?": false, "": false,
	} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			got := compose([]chat.Message{earlier, chat.Text(chat.User, text)})
			if (got == "Yes, you asked about: billing") != isQuestion {
				t.Errorf("the reply is %q", got)
			}
		})
	}
}

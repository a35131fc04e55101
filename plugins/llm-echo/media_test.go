package echo

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

func TestDescribeMedia(t *testing.T) {
	image := chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: make([]byte, 1234), Name: "a.png"}}
	for name, c := range map[string]struct {
		messages []chat.Message
		want     string
	}{
		"an image": {
			[]chat.Message{{Role: chat.User, Parts: []chat.Part{{Text: "look"}, image}}},
			`You said: "look". You showed: image/png, 1234 bytes, a.png. I have no instructions. I was shown no earlier messages.`,
		},
		"nothing but media": {
			[]chat.Message{{Role: chat.User, Parts: []chat.Part{
				{Media: &chat.Media{Kind: chat.Audio, URL: "https://a/b"}}, {Media: &chat.Media{Kind: chat.File, MediaType: "application/pdf", Reference: "file-1"}},
			}}},
			`You said: "". You showed: audio, https://a/b; application/pdf, file-1. I have no instructions. I was shown no earlier messages.`,
		},
		"an earlier image": {
			[]chat.Message{{Role: chat.User, Parts: []chat.Part{{Text: "look"}, image}}, chat.Text(chat.User, "and now?")},
			`You said: "and now?". I have no instructions. I was shown 1 earlier message, the first: "look".`,
		},
		"an image of a tool": {
			[]chat.Message{chat.Text(chat.User, "call a"), {Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{Parts: []chat.Part{{Text: "x"}, image}}}}}},
			`The tools said: "x" and showed image/png, 1234 bytes, a.png.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := talk(t.Context(), open(t, Config{}), &llm.Request{Messages: c.messages})
			if err != nil || strings.Join(got, "") != c.want {
				t.Errorf("\n got %q, %v\nwant %q", strings.Join(got, ""), err, c.want)
			}
		})
	}
}

package archive

import (
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestMessageLine_bytes checks that an export and its import keep each message byte for byte, and
// that an export has the bytes beside the readable form only where that form would lose some.
func TestMessageLine_bytes(t *testing.T) {
	part := chat.Part{ToolCall: &chat.ToolCall{ID: "1", Name: "n", Arguments: "{}", Unknown: chat.Unknown("\xa2\x06\x01u")}}
	plain := storage.EncodeMessage(chat.Message{Role: chat.Assistant, Unknown: chat.Unknown("\xa2\x06\x01m"), Parts: []chat.Part{{Text: "hello"}, part}})
	for name, c := range map[string]struct {
		body     string
		readable bool // the export needs no bytes beside the readable form
	}{
		"of this version":       {string(plain.Body), true},
		"fields in other order": {"\x12\x07\x0a\x05hello\x08\x03", false},
		"a field twice":         {"\x08\x02\x08\x03\x12\x07\x0a\x05hello", false},
		"a long length":         {"\x08\x03\x12\x87\x00\x0a\x05hello", false},
	} {
		t.Run(name, func(t *testing.T) {
			turn := turnOf(chat.Text(chat.User, "hi"))
			stored := storage.Message{Body: []byte(c.body)}
			decoded, err := stored.Decode()
			if err != nil {
				t.Fatal(err)
			}
			stored.Text = decoded.Text()
			turn.Messages = append(turn.Messages, stored)
			turn.Usage = []byte(`{"input_tokens":1,"of_later":{"x":[1,null]}}`)
			if back, err := exported(t, turn); err != nil || !reflect.DeepEqual(back, turn) {
				t.Errorf("%+v, %v; want %+v", back, err, turn)
			}
			var line strings.Builder
			if err := writeTurn(&line, turn); err != nil || strings.Contains(line.String(), `"body"`) == c.readable || !strings.Contains(line.String(), `"hello"`) {
				t.Errorf("%s, %v", line.String(), err)
			}
		})
	}
}

func TestMessageLine_noMessage(t *testing.T) {
	turn := turnOf(chat.Text(chat.User, "hi"))
	turn.Messages = append(turn.Messages, storage.Message{Body: []byte("\xff")})
	var line strings.Builder
	if err := writeTurn(&line, turn); err != nil || !strings.Contains(line.String(), `"body":"/w=="`) {
		t.Errorf("%s, %v", line.String(), err)
	}
	if _, err := decodeLine([]byte(line.String())); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "message 2") {
		t.Errorf("the import of a body that is no message: %v", err)
	}
}

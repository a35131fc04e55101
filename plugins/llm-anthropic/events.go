package anthropic

import (
	"encoding/json"
	"fmt"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/botyard/botyard/sdk/upstream"
)

// The plugin decodes each event into the Go type of its kind. The stream of Anthropic's client decodes each
// event into a type with the fields of all kinds, which takes four times as long.

// typeOf returns the type of an event. It is the name of the event, or the field type in the data if a
// proxy has removed the name. typeOf returns "" if there is neither.
func typeOf(e *upstream.Event) string {
	if e.Name != "" {
		return e.Name
	}
	var head struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(e.Data, &head) // what is no JSON has no type
	return head.Type
}

// reportedError is an error that the server reports in an event of the stream.
type reportedError struct{ said api.Error }

// reportedBy returns the *reportedError in the data of an event.
func reportedBy(data []byte) error {
	e := &reportedError{}
	if err := e.said.UnmarshalJSON(data); err != nil || e.said.Message == "" && e.said.Type() == "" {
		e.said.Message = string(data[:min(len(data), maxBroken)])
	}
	return e
}

func (e *reportedError) Error() string { return fmt.Sprintf("%s: %s", e.said.Type(), e.said.Message) }

// brokenEvent is the error of an event that the API does not have. text is the beginning of the event.
type brokenEvent struct{ text string }

func (e *brokenEvent) Error() string { return "an event is not of the API" }

// maxBroken is how many bytes of an event an error keeps at most.
const maxBroken = 1024

// broken returns the *brokenEvent of an event with the data.
func broken(data []byte) error { return &brokenEvent{string(data[:min(len(data), maxBroken)])} }

package anthropic

import (
	"encoding/json"
	"fmt"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/botyard/botyard/sdk/upstream"
)

// The plugin decodes an event into the type of the event's kind. The stream of the API's package decodes
// each into a type with the fields of all kinds, which takes four times as long.

// typeOf returns the type of an event. Its name says it, unless a proxy removed the name.
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

// reportedError is the error that an event of the stream reports.
type reportedError struct{ said api.Error }

// reportedBy returns the error in the data of an event.
func reportedBy(data []byte) error {
	e := &reportedError{}
	if err := e.said.UnmarshalJSON(data); err != nil || e.said.Message == "" && e.said.Type() == "" {
		e.said.Message = string(data[:min(len(data), maxBroken)])
	}
	return e
}

func (e *reportedError) Error() string { return fmt.Sprintf("%s: %s", e.said.Type(), e.said.Message) }

// brokenEvent is the error of an event that is not of the API.
type brokenEvent struct{ text string }

func (e *brokenEvent) Error() string { return "an event is not of the API" }

// maxBroken is the most bytes of an event that an error repeats.
const maxBroken = 1024

func broken(data []byte) error { return &brokenEvent{string(data[:min(len(data), maxBroken)])} }

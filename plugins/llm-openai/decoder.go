package openaillm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3/packages/ssestream"
)

// decoder gives the events of a response to a stream of OpenAI's client. It implements
// ssestream.Decoder.
type decoder struct {
	events *upstream.Events
	event  ssestream.Event
	came   bool // an event came
	done   bool // the event came with which chat completions end
	err    error

	response *upstream.Response
}

var _ ssestream.Decoder = (*decoder)(nil)

// doneMark is the data of the event with which chat completions end.
var doneMark = []byte("[DONE]")

// Next reads the next event.
func (d *decoder) Next() bool {
	e, err := d.events.Next()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			d.err = err
		}
		return false
	}
	d.came = true
	d.done = bytes.HasPrefix(e.Data, doneMark)
	d.event = ssestream.Event{Type: e.Name, Data: withoutNullError(e.Data)}
	return true
}

// withoutNullError returns the data without a top-level "error" that is null, which the stream of
// OpenAI's client takes for an error.
func withoutNullError(data []byte) []byte {
	if !bytes.Contains(data, []byte(`"error"`)) {
		return data
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil || string(object["error"]) != "null" {
		return data
	}
	delete(object, "error")
	out, err := json.Marshal(object)
	if err != nil {
		return data
	}
	return out
}

// Event returns the newest event.
func (d *decoder) Event() ssestream.Event { return d.event }

// Close closes the response. After the end of a reply it first reads the end of the response, so that the
// connection can be reused.
func (d *decoder) Close() error {
	if d.done {
		d.response.Drain()
	}
	d.response.Close()
	return nil
}

// Err returns the error that ended the stream, or nil.
func (d *decoder) Err() error { return d.err }

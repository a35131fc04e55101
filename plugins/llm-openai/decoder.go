package openaillm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3/packages/ssestream"
)

// decoder passes the events of a response to a stream of OpenAI's client.
type decoder struct {
	events *upstream.Events
	event  ssestream.Event
	came   bool // at least one event has arrived
	done   bool // the newest event is the one with which chat completions end
	err    error

	response *upstream.Response
}

var _ ssestream.Decoder = (*decoder)(nil)

// doneMark is the data of the event with which chat completions end.
var doneMark = []byte("[DONE]")

// Next reads the next event. It returns false at the end of the stream and after an error.
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

// withoutNullError returns the data of an event without a top-level "error" that is null. The stream of
// OpenAI's client would take it for an error.
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

// Close closes the response. If the newest event is the mark [DONE], Close first reads the rest of the
// response, so that the client can reuse the connection.
func (d *decoder) Close() error {
	if d.done {
		d.response.Drain()
	}
	d.response.Close()
	return nil
}

// Err returns the error that ended the stream, or nil.
func (d *decoder) Err() error { return d.err }

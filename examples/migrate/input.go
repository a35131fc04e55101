package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
)

// state is a conversation as the library stores it. migrate ignores all other keys.
type state struct {
	ID        string         `json:"conversation_id"`
	Nodes     []node         `json:"nodes"`
	Edges     [][]string     `json:"edges"`
	Current   string         `json:"current_node_id"`
	Metadata  map[string]any `json:"metadata"`
	CreatedAt string         `json:"created_at"`
	UpdatedAt string         `json:"updated_at"`
}

// node is one message in the tree of a conversation.
type node struct {
	ID        string         `json:"node_id"`
	Message   storedMessage  `json:"message"`
	Timestamp string         `json:"timestamp"`
	Metadata  map[string]any `json:"metadata"`
}

// storedMessage is a message as the library stores it. Content is a text or a list of parts.
type storedMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	Name       string          `json:"name"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []storedCall    `json:"tool_calls"`
}

// storedCall is a tool call as the library stores it. Parameters are an object, or a text that has the
// arguments.
type storedCall struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Parameters json.RawMessage `json:"parameters"`
}

// reader collects the conversations of files.
type reader struct {
	states []state
	unread int                              // how many values were not conversations or could not be read
	say    func(format string, args ...any) // reports what cannot be read
}

// read collects the conversations of all JSON values of a file. The backends of the library store
// them in these forms:
//
//   - a conversation itself, or its record {"fields": {...}}, in S3 and in documents
//   - an object with the records by their ids, in the backend file
//   - a row with the conversation in its column data, in SQL databases
//   - lists of these
func (r *reader) read(name string, in io.Reader) {
	d := json.NewDecoder(in)
	for n := 1; ; n++ {
		var v json.RawMessage
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.say("%s: value %d is not JSON, so nothing behind it was read: %v", name, n, err)
			r.unread++
			return
		}
		if found, err := r.collect(v, maxNesting); err != nil {
			r.say("%s: value %d: a conversation cannot be read: %v", name, n, err)
		} else if !found {
			r.say("%s: value %d is no conversation", name, n)
			r.unread++
		}
	}
}

// maxNesting is how deep lists, records and rows may be nested.
const maxNesting = 6

// collect adds the conversations that are in a value, at most depth levels deep. found reports whether
// there are any. The error is that of the last conversation that could not be read. collect counts such
// conversations in r.unread.
func (r *reader) collect(v json.RawMessage, depth int) (found bool, err error) {
	if depth == 0 {
		return false, nil
	}
	add := func(v json.RawMessage) {
		f, e := r.collect(v, depth-1)
		if found = found || f; e != nil {
			err = e
		}
	}
	var inner string
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal(v, &inner) == nil: // a database client may print the JSON of a column as a text
		if json.Valid([]byte(inner)) {
			add(json.RawMessage(inner))
		}
	case json.Unmarshal(v, &list) == nil:
		for _, item := range list {
			add(item)
		}
	case json.Unmarshal(v, &object) != nil:
	case object["conversation_id"] != nil && object["nodes"] != nil:
		var s state
		if err := json.Unmarshal(v, &s); err != nil {
			r.unread++
			return true, err
		}
		r.states = append(r.states, s)
		return true, nil
	case object["fields"] != nil:
		add(valuesOf(object["fields"]))
	case object["data"] != nil:
		add(object["data"])
	default:
		for _, id := range slices.Sorted(maps.Keys(object)) {
			add(object[id])
		}
	}
	return found, err
}

// valuesOf returns the values of a record's fields as a JSON object. A field is {"value": ...}, or the
// value itself.
func valuesOf(fields json.RawMessage) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(fields, &all) != nil {
		return fields
	}
	for name, f := range all {
		var field map[string]json.RawMessage
		if json.Unmarshal(f, &field) == nil && field["value"] != nil {
			all[name] = field["value"]
		}
	}
	out, err := json.Marshal(all)
	if err != nil {
		return fields // unreachable: the values were decoded from JSON
	}
	return out
}

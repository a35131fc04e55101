package openaillm

import "encoding/json"

// chatState is the data of a provider state of chat completions, as JSON. It says how the next request
// sends the part back.
type chatState struct {
	// Field is the name of the field of a message in which the server takes reasoning back.
	Field string `json:"field,omitempty"`
	// Details are OpenRouter's reasoning_details of the message.
	Details json.RawMessage `json:"reasoning_details,omitempty"`
	// Extra is the extra_content of a tool call. Google's models need the signature in it.
	Extra json.RawMessage `json:"extra_content,omitempty"`
}

// maxDetailBytes and maxDetails bound the details of a reply that the plugin keeps. Without them the model
// does not get back what it thought.
const (
	maxDetailBytes = 512 << 10
	maxDetails     = 4096
)

// reasoningDetails collects OpenRouter's pieces of reasoning.
type reasoningDetails struct {
	list []map[string]any
	size int
}

// add adds the pieces of a chunk, a JSON list, and returns how many bytes of it are kept. The pieces of
// one text are joined. Beyond a bound nothing is kept.
func (d *reasoningDetails) add(text string) (kept int) {
	if d.size += len(text); d.size > maxDetailBytes {
		d.list = nil
		return 0
	}
	var list []map[string]any
	if json.Unmarshal([]byte(text), &list) != nil {
		return 0
	}
	for _, one := range list {
		if d.join(one) {
			continue
		}
		if len(d.list) >= maxDetails {
			d.list, d.size = nil, maxDetailBytes
			return 0
		}
		d.list = append(d.list, one)
	}
	return len(text)
}

// join appends a piece to the newest one if both belong to one text, and reports whether it has.
func (d *reasoningDetails) join(one map[string]any) bool {
	if len(d.list) == 0 {
		return false
	}
	last := d.list[len(d.list)-1]
	if !sameScalar(last["type"], one["type"]) || !sameScalar(last["index"], one["index"]) {
		return false
	}
	for _, field := range []string{"text", "summary"} {
		before, ok := last[field].(string)
		more, also := one[field].(string)
		if ok && also {
			last[field] = before + more
			for name, value := range one { // such as the signature, which comes last
				if name != field && value != nil {
					last[name] = value
				}
			}
			return true
		}
	}
	return false
}

// sameScalar reports whether two JSON values are the same text, number, bool or null. A list or an object
// is the same as nothing.
func sameScalar(a, b any) bool {
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// json returns the list, or nil if there is none.
func (d *reasoningDetails) json() json.RawMessage {
	if len(d.list) == 0 {
		return nil
	}
	text, err := json.Marshal(d.list)
	if err != nil {
		return nil
	}
	return text
}

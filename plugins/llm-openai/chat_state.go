package openaillm

import "encoding/json"

// chatState is the data of a provider state of chat completions: how the model gets back a part. It has
// the form of JSON.
type chatState struct {
	// Field is the field of a message in which the server takes reasoning.
	Field string `json:"field,omitempty"`
	// Details are OpenRouter's reasoning_details of the message.
	Details json.RawMessage `json:"reasoning_details,omitempty"`
	// Extra is the extra_content of a call: Google's models want their signature back.
	Extra json.RawMessage `json:"extra_content,omitempty"`
}

// maxDetailBytes bounds the details of a reply that the plugin keeps. Without them the model does not get
// back what it thought.
const maxDetailBytes = 512 << 10

// reasoningDetails collects OpenRouter's pieces of reasoning.
type reasoningDetails struct {
	list []map[string]any
	size int
}

// add adds the pieces of a chunk, a JSON list. The pieces of one text are joined.
func (d *reasoningDetails) add(text string) {
	var list []map[string]any
	if json.Unmarshal([]byte(text), &list) != nil {
		return
	}
	if d.size += len(text); d.size > maxDetailBytes {
		d.list = nil
		return
	}
	for _, one := range list {
		if !d.join(one) {
			d.list = append(d.list, one)
		}
	}
}

// join appends the text of a piece to that of the newest, if both are of one text.
func (d *reasoningDetails) join(one map[string]any) bool {
	if len(d.list) == 0 {
		return false
	}
	last := d.list[len(d.list)-1]
	if last["type"] != one["type"] || last["index"] != one["index"] {
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

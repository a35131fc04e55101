package bot

import (
	"encoding/json"
	"regexp"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// toolNames matches the names of tools that all providers take.
var toolNames = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// checkTools checks the tools that the client runs, and which of them the model must call.
func (r *Request) checkTools() error {
	if len(r.Tools) > bounds.Tools {
		return fault.New(fault.Invalid, "are %d; at most %d are accepted", len(r.Tools), bounds.Tools).At("tools")
	}
	names, size := map[string]bool{}, 0
	for i, t := range r.Tools {
		path := fault.Path{"tools", fault.Index(i)}
		size += len(t.Name) + len(t.Description) + len(t.Parameters)
		switch {
		case !toolNames.MatchString(t.Name):
			return fault.New(fault.Invalid, "is %.80q; expected 1 to 64 letters, digits, - and _", t.Name).At(append(path, "name")...)
		case names[t.Name]:
			return fault.New(fault.Invalid, "is the name of another tool too").At(append(path, "name")...)
		case !utf8.ValidString(t.Description):
			return fault.New(fault.Invalid, "is not UTF-8").At(append(path, "description")...)
		case !isObject(t.Parameters):
			return fault.New(fault.Invalid, "is not a JSON object; expected the JSON Schema of the arguments").At(append(path, "parameters")...)
		}
		names[t.Name] = true
	}
	switch c := r.ToolChoice; {
	case size > bounds.ToolsBytes:
		return fault.New(fault.Invalid, "have %d bytes; at most %d are accepted", size, bounds.ToolsBytes).At("tools")
	case c.Mode != llm.ToolAuto && len(r.Tools) == 0:
		return fault.New(fault.Invalid, "is given without tools").At("tool_choice")
	case c.Mode == llm.ToolNamed && !names[c.Name]:
		return fault.New(fault.Invalid, "names the tool %.80q, which is not among the tools", c.Name).At("tool_choice")
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	var object map[string]json.RawMessage
	return utf8.Valid(raw) && json.Unmarshal(raw, &object) == nil && object != nil
}

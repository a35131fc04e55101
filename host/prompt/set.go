package prompt

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Set has all prompts of a tenant. It is immutable and safe for concurrent use.
type Set struct {
	System Prompt            // for a turn whose request names no prompt
	Named  map[string]Prompt // maps a name to the prompt for turns whose requests have that name
	Zone   *time.Location    // time zone of the date and the time in prompts; nil means UTC
	// Metadata maps each key of a request's metadata that prompts may show to its default. The default
	// is the text that the prompt shows if the key is missing from the request or is null in it.
	Metadata map[string]string
}

// Chosen is the prompt of one turn with the values of its variables.
type Chosen struct {
	Name   string            // empty for the system prompt
	Values map[string]string // maps a variable's name to its value; nil if the prompt has no variables
	// Varies reports whether the text of the prompt probably differs in the conversation's next turn.
	Varies bool
	prompt Prompt
}

// Text returns the text of the prompt with its values.
func (c *Chosen) Text() string {
	text, _ := c.prompt.Fill(c.Values) // cannot fail, because Choose sets a value of a bounded size for each variable
	return text
}

// Request says which prompt a turn gets, and has what the prompt's variables stand for.
type Request struct {
	Name string // empty for the system prompt
	Turn Turn   // its Time may be in any time zone
	// Shared reports whether several users may have turns in one conversation.
	Shared   bool
	Metadata json.RawMessage // the metadata of the request: a JSON object, or nil
}

// Choose returns the prompt of a turn with the values of its variables. The error is fault.Invalid.
// Its path is "prompt" for a name that no prompt of the tenant has. It is "metadata", or "metadata"
// with a key, for metadata that the prompt would show and that is a list, an object or too large.
func (s *Set) Choose(r Request) (*Chosen, error) {
	p, ok := s.prompt(r.Name)
	if !ok {
		return nil, s.unknown(r.Name)
	}
	c := &Chosen{Name: r.Name, prompt: p}
	if !p.HasVariables() {
		return c, nil
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	r.Turn.Time = r.Turn.Time.In(zone)
	var metadata map[string]json.RawMessage
	if len(r.Metadata) > 0 {
		if err := json.Unmarshal(r.Metadata, &metadata); err != nil {
			return nil, fault.New(fault.Invalid, "is not a JSON object").At("metadata")
		}
	}
	c.Values = map[string]string{}
	shown := 0 // bytes of the metadata that the prompt shows
	for _, name := range p.Variables() {
		if v, ok := findTurnVariable(name); ok {
			c.Values[name] = v.value(r.Turn)
			c.Varies = c.Varies || v.varies(r.Shared)
			continue
		}
		c.Varies = true // the next request may have another value
		key, _ := MetadataKey(name)
		text, given, err := metadataText(key, metadata[key])
		if err != nil {
			return nil, err
		}
		if !given {
			text = s.Metadata[key]
		}
		c.Values[name] = text
		if shown += len(text); shown > bounds.PromptMetadataAllBytes {
			return nil, fault.New(fault.Invalid, "the values that the prompt shows have more than %d bytes together; send shorter ones", bounds.PromptMetadataAllBytes).At("metadata")
		}
	}
	return c, nil
}

// prompt returns the prompt with the name, and the system prompt for an empty name.
func (s *Set) prompt(name string) (Prompt, bool) {
	if name == "" {
		return s.System, true
	}
	p, ok := s.Named[name]
	return p, ok
}

// Refill returns the text that a prompt had in an earlier turn. values has the Chosen.Values of that
// turn. Refill returns false if the tenant has no prompt of the name, if a value is missing, or if the
// text would exceed sdk.MaxSystemBytes.
func (s *Set) Refill(name string, values map[string]string) (string, bool) {
	p, ok := s.prompt(name)
	if !ok {
		return "", false
	}
	return p.Fill(values)
}

// listed is how many names of prompts an error lists at most.
const listed = 20

// unknown returns the error for a name that no prompt of the tenant has.
func (s *Set) unknown(name string) error {
	if len(name) > 64 {
		name = strings.ToValidUTF8(name[:64], "") + "..."
	}
	if len(s.Named) == 0 {
		return fault.New(fault.Invalid, "is %q, and the tenant has no named prompts; leave it out, or add prompts.named to the tenant's settings", name).At("prompt")
	}
	names, more := slices.Sorted(maps.Keys(s.Named)), ""
	if len(names) > listed {
		names, more = names[:listed], " and others"
	}
	return fault.New(fault.Invalid, "is %q, which is no prompt of the tenant; expected one of %s%s", name, strings.Join(names, ", "), more).At("prompt")
}

// metadataText returns the text that a prompt shows for a value of the metadata. given is false if
// the value is missing or null. The error is fault.Invalid, at "metadata" and the key.
func metadataText(key string, value json.RawMessage) (text string, given bool, err error) {
	if len(value) == 0 || string(value) == "null" {
		return "", false, nil
	}
	switch value[0] {
	case '"':
		if err := json.Unmarshal(value, &text); err != nil {
			return "", false, fault.New(fault.Invalid, "is not a text").At("metadata", key)
		}
	case '{', '[':
		return "", false, fault.New(fault.Invalid, "is a list or an object, and the prompt shows it; expected a text, a number, true or false").At("metadata", key)
	default:
		text = string(value)
	}
	if text = chat.Clean(text); len(text) > bounds.PromptMetadataBytes {
		return "", false, fault.New(fault.Invalid, "has %d bytes, and the prompt shows it; at most %d are accepted there", len(text), bounds.PromptMetadataBytes).At("metadata", key)
	}
	return text, true, nil
}

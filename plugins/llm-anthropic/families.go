package anthropic

import (
	"regexp"
	"strings"
)

// claude matches the ids of Anthropic's models, such as claude-sonnet-4-5 and claude-3-haiku, also
// within the longer names that other servers have for them.
var claude = regexp.MustCompile(`claude-(?:([a-z]+)-)?(\d+)(?:[-.](\d{1,2})(?:\D|$))?`)

// Sizes of contexts, in tokens.
const (
	usualContext = 200_000
	longContext  = 1_000_000
)

// familyOf returns what the id of a model says of it. It counts until the server describes the model.
// If the id is not one of Anthropic's, nothing is known.
func familyOf(model string) described {
	match := claude.FindStringSubmatch(strings.ToLower(model))
	if match == nil {
		return described{}
	}
	yes, no := true, false
	d := described{images: &yes, pdfs: &yes}
	line, major, minor := match[1], match[2], match[3]
	switch {
	case major < "3" && len(major) == 1:
		return described{}
	case major == "3":
		d.context, d.schemas = usualContext, &no
		if minor == "" {
			d.pdfs = nil // the first models of the third generation differ
		}
	case major == "4" && (minor == "" || minor == "0"):
		d.context, d.schemas = usualContext, &no
	case major == "4" && line != "haiku" && minor >= "6":
		d.context, d.schemas = longContext, &yes
	case major == "4":
		d.context = usualContext
		d.schemas = &yes
	default:
		d.schemas = &yes // of a later generation the context is not known
	}
	return d
}

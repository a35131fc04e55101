package anthropic

import (
	"regexp"
	"strings"
)

// claude matches the ids of Anthropic's models, as in claude-sonnet-4-5 or claude-3-haiku, with which the
// names of other servers end or begin.
var claude = regexp.MustCompile(`claude-(?:([a-z]+)-)?(\d+)(?:[-.](\d{1,2})(?:\D|$))?`)

const (
	usualContext = 200_000
	longContext  = 1_000_000
)

// familyOf returns what is known of a model by its id, until the server describes it. Of a model that is
// none of Anthropic's, nothing is known.
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

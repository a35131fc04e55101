package echo

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
)

// describeMedia returns a description of the media in the parts, or "" if there are none. For each
// medium it has the media type or the kind, then the size, the URL or the reference, and then the name
// if there is one.
func describeMedia(parts []chat.Part) string {
	var all []string
	for i := range parts {
		m := parts[i].Media
		if m == nil {
			continue
		}
		words := []string{cmp.Or(m.MediaType, m.Kind)}
		switch {
		case m.URL != "":
			words = append(words, m.URL)
		case m.Reference != "":
			words = append(words, m.Reference)
		default:
			words = append(words, fmt.Sprintf("%d bytes", len(m.Data)))
		}
		if m.Name != "" {
			words = append(words, m.Name)
		}
		all = append(all, strings.Join(words, ", "))
	}
	return strings.Join(all, "; ")
}

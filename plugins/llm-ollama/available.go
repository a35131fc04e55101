package ollama

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// maxListed is how many of the server's models an error names at most.
const maxListed = 10

// withAvailable returns an error like f, for a missing model, that also names the models that the
// server has. If the server does not list them, withAvailable returns f itself.
func (m *Model) withAvailable(ctx context.Context, f *fault.Error, model string) *fault.Error {
	called, seen := withExchange(ctx, m.description())
	defer seen.bounds.release()
	list, err := m.client.List(called)
	if err != nil {
		return f
	}
	names := make([]string, 0, len(list.Models))
	for _, one := range list.Models {
		names = append(names, m.said(one.Name))
	}
	out := *f
	out.Message = fmt.Sprintf("%s; it has %s", f.Message, listed(names, model))
	return &out
}

// listed returns a text with the names, those of the same family as the wanted model first. It sorts
// names in place.
func listed(names []string, wanted string) string {
	if len(names) == 0 {
		return "no models"
	}
	family := func(name string) string { before, _, _ := strings.Cut(name, ":"); return strings.ToLower(before) }
	slices.SortStableFunc(names, func(a, b string) int {
		rank := func(name string) int {
			if family(name) == family(wanted) {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	text := strings.Join(names[:min(len(names), maxListed)], ", ")
	if more := len(names) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

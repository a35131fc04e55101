package ollama

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// maxListed is how many models of the server a message names.
const maxListed = 10

// withAvailable adds to the error for a missing model which models the server has, for the operator. If the
// server does not say, it returns the error unchanged.
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

// listed returns words for the names of models. Those that are like the wanted one come first.
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

package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/botyard/botyard/host/bounds"
)

//go:embed bounds.md
var boundsHead string

// boundsPage returns the text of docs/bounds.md: the text of bounds.md, which is written by
// hand, and a table for each theme of package bounds. byKey has the default of each
// configuration key, under the name that Bound.Key uses.
func boundsPage(byKey map[string]string) ([]byte, error) {
	var b strings.Builder
	b.WriteString(boundsHead)
	for _, theme := range bounds.Table() {
		if len(theme.Bounds) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| bound | what | each | all together | key | default | who goes beyond it gets |\n| --- | --- | --- | --- | --- | --- | --- |\n", theme.Title)
		for _, bound := range theme.Bounds {
			key, byDefault := "", ""
			if bound.Key != "" {
				value, ok := byKey[bound.Key]
				if !ok {
					return nil, fmt.Errorf("bound %q: there is no key %q", bound.Name, bound.Key)
				}
				key, byDefault = code(bound.Key), value
			}
			cells := []string{bound.Name, bound.What, bound.Each, bound.All, key, byDefault, bound.Answer}
			for i, c := range cells {
				cells[i] = cell.Replace(c)
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	return []byte(b.String()), nil
}

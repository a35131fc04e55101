package metrics

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// documented matches the beginning of a row in the table of metrics in docs/operations.md.
var documented = regexp.MustCompile("^\\| `[a-z_]+` \\| (counter|gauge|histogram) ")

// row returns the family's row in docs/operations.md.
func (f Family) row() string {
	labels := "-"
	if len(f.Labels) > 0 {
		labels = "`" + strings.Join(f.Labels, "`, `") + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |", f.Name, f.Type, labels, f.Help)
}

func TestFamilies_documented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range Families() {
		want = append(want, f.row())
	}
	var got []string
	for line := range strings.SplitSeq(string(page), "\n") {
		if documented.MatchString(line) {
			got = append(got, line)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the table of metrics in docs/operations.md must have exactly these lines:\n%s", strings.Join(want, "\n"))
	}
}

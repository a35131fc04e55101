package docstest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

func pageOf(t *testing.T, name string) *page {
	t.Helper()
	for _, p := range pages(t) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no page %s", name)
	return nil
}

// rows are those of the page's tables whose first cell begins with a code.
func rows(p *page) [][]string {
	var out [][]string
	for line := range strings.SplitSeq(p.prose, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "| "), " | ") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		out = append(out, cells)
	}
	return out
}

var documentedRoute = regexp.MustCompile("^`(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)")

func TestTheRoutesAreThoseOfTheAPI(t *testing.T) {
	documented := map[string]bool{}
	for _, cells := range rows(pageOf(t, "docs/api.md")) {
		if m := documentedRoute.FindStringSubmatch(cells[0]); m != nil {
			documented[m[1]+" "+m[2]] = true
		}
	}
	src, err := os.ReadFile(filepath.Join(root, "host/api/routes.go"))
	if err != nil {
		t.Fatal(err)
	}
	real := map[string]bool{}
	path := ""
	for line := range strings.SplitSeq(string(src), "\n") {
		if m := regexp.MustCompile(`^\t\t"(/[^"]+)": \{`).FindStringSubmatch(line); m != nil {
			path = m[1]
		}
		if m := regexp.MustCompile(`^\t\t\t"([A-Z]+)":`).FindStringSubmatch(line); m != nil {
			real[m[1]+" "+path] = true
		}
	}
	if len(real) == 0 {
		t.Fatal("no route was read from host/api/routes.go: this test has to learn its new form")
	}
	for route := range real {
		if !documented[route] {
			t.Errorf("docs/api.md: has no row for %s", route)
		}
	}
	for route := range documented {
		if !real[route] {
			t.Errorf("docs/api.md: %s is no route", route)
		}
	}
}

func TestTheStatusesAreThoseOfTheClasses(t *testing.T) {
	documented := map[string][]string{}
	for _, cells := range rows(pageOf(t, "docs/api.md")) {
		if name := strings.Trim(cells[0], "`"); len(cells) >= 4 {
			if _, ok := fault.ParseClass(name); ok {
				documented[name] = cells
			}
		}
	}
	for class := fault.Class(0); ; class++ {
		if _, ok := fault.ParseClass(class.String()); !ok {
			break
		}
		if class == fault.UnknownInstance {
			continue // of the protocol only
		}
		p := api.NewProblem(fault.New(class, "x"))
		retry := "no"
		if p.Retryable {
			retry = "yes"
		}
		want := []string{"`" + class.String() + "`", strconv.Itoa(p.Status), p.Party, retry}
		got := documented[class.String()]
		if len(got) < 4 || !slices.Equal(got[:4], want) {
			t.Errorf("docs/api.md: the row of %s is %q; expected it to begin with %q", class, got, want)
		}
	}
}

// What the author of a plugin in another language copies from the page.
func TestTheProtocolsConstantsAreThose(t *testing.T) {
	p := pageOf(t, "docs/plugins.md")
	for _, want := range []string{
		sdk.Handshake.MagicCookieKey, sdk.Handshake.MagicCookieValue, sdk.LifelineEnv, "`" + sdk.LifelineStdin + "`",
		fmt.Sprintf("%d MiB", sdk.MaxMessageBytes>>20),
	} {
		if !strings.Contains(p.text, want) {
			t.Errorf("docs/plugins.md: does not have %s", want)
		}
	}
}

var (
	named       = regexp.MustCompile("`((?:host|sdk|plugins|configs|bench|tools)/[a-z0-9_./-]+)`")
	requirement = regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`)
	version     = regexp.MustCompile(`^v[0-9]+$`)
)

func TestFilesThatPagesNameAreThere(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(p.prose, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s: there is no %s", p.name, m[1])
			}
		}
	}
}

// A new dependency shows in review, with its reason.
func TestEachDependencyHasItsReason(t *testing.T) {
	reasons := pageOf(t, "docs/architecture.md").text
	mods, err := filepath.Glob(filepath.Join(root, "*", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "plugins", "*", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mod := range append(mods, more...) {
		if filepath.Base(filepath.Dir(mod)) == "tools" {
			continue // made of tool lines
		}
		src, err := os.ReadFile(mod)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range requirement.FindAllStringSubmatch(string(src), -1) {
			parts := strings.Split(m[1], "/")
			name := parts[len(parts)-1]
			if version.MatchString(name) {
				name = parts[len(parts)-2]
			}
			if !strings.HasPrefix(m[1], "github.com/botyard/") && !strings.Contains(reasons, name) {
				t.Errorf("%s needs %s, and docs/architecture.md does not say why", mod, m[1])
			}
		}
	}
}

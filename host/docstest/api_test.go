package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/sdk/fault"
)

var documentedRoute = regexp.MustCompile("^`(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)")

func TestRoutes_areThoseOfTheAPI(t *testing.T) {
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

func TestStatuses_areThoseOfTheClasses(t *testing.T) {
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
			continue // The API never returns this class, which only the plugin protocol uses.
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

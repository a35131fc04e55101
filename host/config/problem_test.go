package config

import (
	"github.com/botyard/botyard/host/bounds"
	"strings"
	"unicode/utf8"

	"testing"
)

func TestProblems(t *testing.T) {
	at := func(file string, line, column int) Pos { return Pos{file, line, column} }
	ps := Problems{
		{Pos: at("b", 1, 1), Message: "x"},
		{Pos: at("a", 2, 1), Path: Path{"k"}, Message: "y", Expected: "z"},
		{Pos: at("a", 1, 9), Message: "y"},
		{Pos: at("a", 1, 9), Message: "y"},
		{Pos: at("a", 1, 10), Message: "y"},
		{Message: "no position"},
	}
	const want = "no position\na:1:9: y\na:1:10: y\na:2:1: k: y; expected z\nb:1:1: x"
	if got := ps.err().Error(); got != want {
		t.Errorf("got\n%s", got)
	}
	if Problems(nil).err() != nil {
		t.Error("no problems are an error")
	}
}

// TestProblems_bounds checks that a report has a maximum number of problems and each problem a
// maximum length.
func TestProblems_bounds(t *testing.T) {
	var ps Problems
	for i := range 3 * maxProblems {
		// beyond: problem
		ps = append(ps, Problem{Pos: Pos{File: "f", Line: i}, Message: strings.Repeat("\u20ac", bounds.ProblemBytes), Expected: strings.Repeat("x", bounds.ProblemBytes+1)})
	}
	got := ps.err().(Problems)
	// beyond: problems
	if len(got) != maxProblems+1 || got[maxProblems].Message != "200 more problems follow" {
		t.Errorf("%d problems, and %s", len(got), got[len(got)-1])
	}
	for _, text := range []string{got[0].Message, got[0].Expected} {
		if len(text) > bounds.ProblemBytes || !utf8.ValidString(text) || !strings.HasSuffix(text, "...") {
			t.Errorf("%d bytes that end with %q", len(text), text[len(text)-5:])
		}
	}
	fits := Problems{{Message: strings.Repeat("x", bounds.ProblemBytes)}}.err().(Problems)
	if len(fits[0].Message) != bounds.ProblemBytes || strings.HasSuffix(fits[0].Message, "...") {
		t.Errorf("%d bytes", len(fits[0].Message))
	}
}

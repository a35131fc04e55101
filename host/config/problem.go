package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/bounds"
)

// Problem is one thing that is wrong in a configuration. It never contains a secret.
type Problem struct {
	Pos      Pos
	Path     Path   // from the root of the document at Pos; may be empty
	Message  string // what is wrong
	Expected string // what would be right; may be empty
	Mend     string // the shell command that mends it; may be empty
	// For names the tenant that has the problem, where Pos is in an inherited document that is
	// right for other tenants; empty otherwise.
	For string

	cause error
}

// String returns "file:line:column: path: problem; expected what (command) (for whom)", without
// the parts that are empty.
func (p Problem) String() string {
	var b strings.Builder
	if at := p.Pos.String(); at != "" {
		b.WriteString(at + ": ")
	}
	if len(p.Path) > 0 {
		b.WriteString(p.Path.String() + ": ")
	}
	b.WriteString(p.Message)
	if p.Expected != "" {
		b.WriteString("; expected " + p.Expected)
	}
	if p.Mend != "" {
		b.WriteString(" (" + p.Mend + ")")
	}
	if p.For != "" {
		b.WriteString(" (for " + p.For + ")")
	}
	return b.String()
}

// Problems is an error of all problems that were found, sorted by position and without
// duplicates.
type Problems []Problem

// Error returns the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors behind the problems, so that errors.Is finds fs.ErrNotExist or
// [ErrUnknownPlugin].
func (ps Problems) Unwrap() []error {
	var errs []error
	for _, p := range ps {
		if p.cause != nil {
			errs = append(errs, p.cause)
		}
	}
	return errs
}

// brief returns a text of a problem, cut off where it is too long.
func brief(text string) string {
	const cutOff = "..."
	if len(text) <= bounds.ProblemBytes {
		return text
	}
	return strings.ToValidUTF8(text[:bounds.ProblemBytes-len(cutOff)], "") + cutOff
}

// maxProblems bounds the problems that are reported at once.
const maxProblems = bounds.Problems

// err returns nil, or ps sorted and without duplicates. It returns the first maxProblems, and one
// more that says how many follow.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	out := slices.Clone(ps)
	for i := range out {
		out[i].Message, out[i].Expected = brief(out[i].Message), brief(out[i].Expected)
	}
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			slices.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
			cmp.Compare(a.Expected, b.Expected),
			cmp.Compare(a.For, b.For),
		)
	})
	out = slices.CompactFunc(out, func(a, b Problem) bool {
		return a.Pos == b.Pos && slices.Equal(a.Path, b.Path) && a.Message == b.Message && a.Expected == b.Expected && a.For == b.For
	})
	if more := len(out) - maxProblems; more > 0 {
		out = append(out[:maxProblems:maxProblems], Problem{
			Pos: out[maxProblems].Pos, Message: fmt.Sprintf("%d more problems follow", more), Expected: "those before to be corrected first",
		})
	}
	return out
}

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/bounds"
)

// Problem is one mistake in a configuration. It never contains a secret.
type Problem struct {
	Pos      Pos
	Path     Path   // path from the root of the document in Pos.File; may be empty
	Message  string // describes the mistake
	Expected string // describes a correct value; may be empty
	Mend     string // shell command that corrects the mistake; may be empty
	// For names the tenant that has the problem, if Pos is in an inherited document that is
	// correct for other tenants. Otherwise it is empty.
	For string

	forTenant string // Message without positions in the operator's files; empty if Message has none
	cause     error
}

// String returns "file:line:column: path: message; expected WHAT (COMMAND) (for TENANT)". It
// leaves out empty parts.
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

// Problems is an error that lists all problems of a configuration. A function that returns
// Problems has sorted them by position and has removed duplicates.
type Problems []Problem

// Error returns the problems, each on a line of its own.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ForTenant returns the problems for the tenant that put the document own. operator is the operator's
// document of the tenant. The problems keep their paths. ForTenant removes positions in the operator's
// files from their messages. It removes the position and the command of a problem that is not in own.
func (ps Problems) ForTenant(own, operator *Document) Problems {
	out := slices.Clone(ps)
	for i := range out {
		p := &out[i]
		if p.forTenant != "" {
			p.Message, p.forTenant = p.forTenant, ""
		}
		if !own.hasProblem(p, operator) {
			p.Pos, p.Mend = Pos{}, ""
		}
	}
	return out
}

// tellTenant sets the message that the tenant gets in place of the message of the last problem. ps is not
// empty.
func (ps Problems) tellTenant(message string) { ps[len(ps)-1].forTenant = message }

// hasProblem reports whether the position of the problem is in d. If other has the same name as
// d, the position decides.
func (d *Document) hasProblem(p *Problem, other *Document) bool {
	if d == nil || p.Pos.File != d.name {
		return false
	}
	return other == nil || other.name != d.name || p.Pos == d.Pos(p.Path)
}

// Unwrap returns the causes of the problems, so that errors.Is finds fs.ErrNotExist or
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

// brief returns the text of a problem, cut off after bounds.ProblemBytes bytes.
func brief(text string) string {
	const cutOff = "..."
	if len(text) <= bounds.ProblemBytes {
		return text
	}
	return strings.ToValidUTF8(text[:bounds.ProblemBytes-len(cutOff)], "") + cutOff
}

// maxProblems is the maximum number of problems in one report.
const maxProblems = bounds.Problems

// err returns ps as an error, sorted and without duplicates, or nil if ps is empty. The error has
// at most maxProblems problems. If there are more, one further problem says how many were left
// out.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	out := slices.Clone(ps)
	for i := range out {
		p := &out[i]
		p.Message, p.Expected, p.forTenant = brief(p.Message), brief(p.Expected), brief(p.forTenant)
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

package trust

import (
	"fmt"
	"strings"
)

// Finding is an error that says what an untrusted user may do to a file.
type Finding struct {
	Path    string // the file, folder or link whose owner or mode must change
	Problem string // the problem, such as "is writable by everyone"
	Mend    string // the shell command that corrects the problem
	Owner   bool   // whether the owner is the problem, not the mode
}

func (f Finding) Error() string { return fmt.Sprintf("%s %s (%s)", f.Path, f.Problem, f.Mend) }

func writable(path string) error {
	return Finding{Path: path, Problem: "is writable by everyone", Mend: "chmod o-w " + Quote(path)}
}

// Quote returns the path as one word of a shell command, in quotes if it needs quotes.
func Quote(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 && path[0] != '-' {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

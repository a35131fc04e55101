package docstest

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inlineCommand matches a command of botyard in a sentence or a table, such as `botyard tenant
// list --json`. The tests do not run such a command.
var inlineCommand = regexp.MustCompile("`(?:bin/)?botyard( [^`]*)`")

var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// helps has the help text of each command of botyard that was looked up.
type helps map[string]string

func (h helps) of(command string) string {
	text, ok := h[command]
	if !ok {
		out, _ := exec.Command(filepath.Join(binaries, "botyard"), append(strings.Fields(command), "--help")...).CombinedOutput()
		text = string(out)
		h[command] = text
	}
	return text
}

// command returns the subcommand at the beginning of words, such as " tenant list".
func (h helps) command(words []string) string {
	found := ""
	for _, word := range words {
		if !strings.Contains(h.of(found), "\n  "+word+" ") {
			break
		}
		found += " " + word
	}
	return found
}

func TestInlineCommands_exist(t *testing.T) {
	known := helps{}
	for _, p := range pages(t) {
		for _, m := range inlineCommand.FindAllStringSubmatch(p.prose, -1) {
			text, _, _ := strings.Cut(m[1], " |")
			words := strings.Fields(text)
			command := known.command(words)
			rest := words[len(strings.Fields(command)):]
			if strings.Contains(known.of(command), "Available Commands:") && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
				t.Errorf("%s: `botyard%s`: botyard%s has no command %s", p.name, text, command, rest[0])
				continue
			}
			for _, flag := range flagName.FindAllString(text, -1) {
				if !regexp.MustCompile(regexp.QuoteMeta(flag) + `\b`).MatchString(known.of(command)) {
					t.Errorf("%s: `botyard%s`: botyard%s has no flag %s", p.name, text, command, flag)
				}
			}
		}
	}
}

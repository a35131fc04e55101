package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestCheckGiven_everyFlag checks that each flag of each command that takes a text refuses an
// empty text.
func TestCheckGiven_everyFlag(t *testing.T) {
	asked := 0
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		for _, sub := range c.Commands() {
			walk(sub, append(path[:len(path):len(path)], sub.Name()))
		}
		if !c.Runnable() || c.HasSubCommands() || c.Name() == "help" || c.Name() == "completion" {
			return
		}
		var args []string
		for _, word := range strings.Fields(c.Use)[1:] {
			if word[0] == '-' {
				break
			}
			args = append(args, "1")
		}
		each := func(f *pflag.Flag) {
			if kind := f.Value.Type(); kind != "string" && kind != "stringArray" {
				return
			}
			asked++
			var errs strings.Builder
			all := append(append(path[:len(path):len(path)], args...), "--"+f.Name+"=")
			status := Run(t.Context(), all, strings.NewReader(""), &strings.Builder{}, &errs)
			if status != statusUsage || !strings.Contains(errs.String(), "--"+f.Name+" is given and empty") {
				t.Errorf("botyard %q: %d %s", all, status, errs.String())
			}
		}
		c.InheritedFlags().VisitAll(each)
		c.LocalFlags().VisitAll(each)
	}
	walk(newRoot(), nil)
	if asked < 50 {
		t.Errorf("only %d flags", asked)
	}
}

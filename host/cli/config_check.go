package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Check and explain configuration files, and reload them in a running host", RunE: needsCommand,
	}
	c.AddCommand(newConfigCheck(), newConfigExplain(), newConfigReload())
	return c
}

func newConfigCheck() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Report everything that is wrong in the host file and all tenant files",
		Long: "Report everything that is wrong in the host file and all tenant files. Each line is\nfile:line:column: key: problem; what was expected. A plugin's block is checked by the plugin itself, so\nits binary has to be in a plugin folder. Files in a tenant folder that look like a tenant's and are\nignored get a warning, which does not change the exit status.",
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	f.addListen(c)
	asJSON := addJSON(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		found, err := check(cmd.Context(), f)
		if err != nil {
			return err
		}
		problems, tenants := found.problems, found.tenants
		if *asJSON {
			report := struct {
				OK       bool                `json:"ok"`
				Tenants  []string            `json:"tenants"`
				Problems []api.ConfigProblem `json:"problems"`
				Warnings []api.ConfigProblem `json:"warnings"`
			}{len(problems) == 0, tenants, api.ConfigProblems(problems), api.ConfigProblems(found.warnings)}
			if err := printJSON(cmd, report); err != nil {
				return err
			}
		} else {
			for _, w := range found.warnings {
				fmt.Fprintln(cmd.OutOrStdout(), "warning: "+w.String())
			}
			said := problems.Error()
			if len(problems) == 0 {
				said = fmt.Sprintf("%s and %s are valid", f.config, count(len(tenants), "tenant"))
			}
			fmt.Fprintln(cmd.OutOrStdout(), said)
		}
		if len(problems) > 0 {
			return fmt.Errorf("%w: %s", errInvalid, count(len(problems), "problem"))
		}
		return nil
	}
	return c
}

// checkResult has the problems and warnings that a check of configuration files has found.
type checkResult struct {
	problems, warnings config.Problems
	tenants            []string // ids of the tenants without problems
}

// add adds the problems in err. If err is an error other than config.Problems, add returns it.
func (c *checkResult) add(err error) error {
	var found config.Problems
	if err != nil && !errors.As(err, &found) {
		return err
	}
	c.problems = append(c.problems, found...)
	return nil
}

// addFiles adds the problems and warnings of the host file and the tenant files.
func (c *checkResult) addFiles(ctx context.Context, f *hostFlags, files *files) error {
	// The command serve makes the same checks before it creates files.
	o := f.hostOptions()
	c.problems = host.Preflight(o, files.host)
	c.warnings = append(host.Warnings(o, files.host, files.plugins), files.ignored...)
	if err := c.add(files.host.CheckDefaults(ctx, files.plugins, host.AskPlugins(files.plugins))); err != nil {
		return err
	}
	if _, err := host.RegistryStorage(ctx, files.host, files.plugins); c.add(err) != nil {
		return err
	}
	first := map[string]string{}
	for _, path := range files.tenants {
		id := tenantOf(path)
		if other, taken := first[id]; taken {
			c.problems = append(c.problems, config.Problem{
				Pos: config.Pos{File: path}, Message: fmt.Sprintf("the tenant %q is that of %s already", id, other), Expected: "one file for each tenant",
			})
			continue
		}
		first[id] = path
		_, err := files.tenant(ctx, path)
		if err == nil {
			c.tenants = append(c.tenants, id)
		}
		if err := c.add(err); err != nil {
			return err
		}
	}
	return nil
}

// check returns all problems and warnings of the host file and the tenant files.
func check(ctx context.Context, f *hostFlags) (*checkResult, error) {
	c := &checkResult{tenants: []string{}}
	err := withFiles(ctx, f, func(files *files) error { return c.addFiles(ctx, f, files) })
	err = c.add(err) // An error of reading the host file also counts as a problem.
	c.problems = unique(c.problems)
	return c, err
}

// unique removes repeated problems. A problem in a layer that all tenants inherit is found once
// for each tenant.
func unique(problems config.Problems) config.Problems {
	seen := map[string]bool{}
	return slices.DeleteFunc(problems, func(p config.Problem) bool {
		text := p.String()
		again := seen[text]
		seen[text] = true
		return again
	})
}

// count returns a number with a noun in singular or plural.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

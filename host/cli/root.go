package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Main runs the command with the arguments and the standard streams of the process. It returns
// the exit status.
func Main() int {
	return Run(context.Background(), os.Args[1:], os.Stdin, plain(os.Stdout), plain(os.Stderr))
}

// Run runs the command with the given arguments and streams. It returns the exit status.
func Run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	defer flushOutput(cmd)
	errs = cmd.ErrOrStderr() // In a command that runs a host, newLog has replaced the error output.
	if err == nil {
		return statusDone
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(errs, "botyard: "+text)
	}
	status := statusOf(err)
	if status == statusUsage {
		fmt.Fprintf(errs, "see %s --help\n", cmd.CommandPath())
	}
	return status
}

const exitStatuses = `Exit status:
  0  done
  1  failed: a host answered with an error, or did not answer
  2  wrong usage: an unknown command or flag, a missing argument
  3  a configuration is invalid, the doctor found a problem, a tenant's instance fails its check,
     or a tested plugin breaks a rule`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "botyard",
		Short: "Serve LLM bots for many tenants, made of plugins",
		Long: `Botyard serves LLM bots for many tenants. A bot is made of an LLM provider, a memory and
a storage. Each is a plugin process, chosen by name in the tenant's configuration.

` + exitStatuses,
		Example: `  botyard dev                                    serve the sample tenants
  botyard serve --config /etc/botyard/botyard.hcl
  botyard chat client-a`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          needsCommand,
		Version:       buildVersion().String(),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(
		newServe(), newDev(), newDemo(), newConfig(), newDoctor(),
		newTenant(), newPlugin(), newTurn(), newStorage(), newChat(), newVersion(),
	)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.RunE = needsCommand
		}
	}
	strict(root)
	return root
}

// strict makes c and all its subcommands return a usageError for wrong arguments.
func strict(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if c.HasSubCommands() && len(args) > 0 {
			return usage(unknownCommand(c, args[0]))
		}
		if err := check(c, args); err != nil {
			return usage(err)
		}
		if err := checkGiven(c, args); err != nil {
			return usage(err)
		}
		return nil
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// checkGiven returns an error if an argument or a flag is given and empty. An empty value
// usually comes from a variable of a script that was not set, and the command would then do
// something else than the script wants.
func checkGiven(c *cobra.Command, args []string) error {
	if i := slices.Index(args, ""); i >= 0 {
		return fmt.Errorf("argument %d of %s is empty", i+1, c.CommandPath())
	}
	var err error
	c.Flags().Visit(func(f *pflag.Flag) {
		empty := f.Value.String() == ""
		if list, ok := f.Value.(pflag.SliceValue); ok {
			empty = slices.Contains(list.GetSlice(), "")
		}
		if empty && err == nil {
			err = fmt.Errorf("--%s is given and empty; leave it out if there is none", f.Name)
		}
	})
	return err
}

// unknownCommand returns the error for a command that does not exist, with a suggestion.
func unknownCommand(c *cobra.Command, name string) error {
	err := fmt.Errorf("unknown command %q of %s", name, c.CommandPath())
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(name); len(near) > 0 {
		return fmt.Errorf("%w; did you mean %s?", err, near[0])
	}
	return err
}

// needsCommand is the action of a command that only groups subcommands. It prints the help and
// returns a usageError.
func needsCommand(c *cobra.Command, _ []string) error {
	_ = c.Help()
	return usage(errors.New("a command is missing"))
}

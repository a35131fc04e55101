package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugintest"
	"github.com/spf13/cobra"
)

// errBrokenRules says that a plugin breaks rules, which are already printed.
var errBrokenRules = errors.New("the plugin breaks rules")

func newPluginTest(asJSON *bool) *cobra.Command {
	var file string
	var only []string
	c := &cobra.Command{
		Use: "test BINARY", Short: "Test whether a plugin, in any language, keeps the rules of the protocol", Args: cobra.ExactArgs(1),
		Long: `Starts the executable as a host does, without any host, and checks the rules of plugin
processes and those of the plugin's kind. For each rule that it breaks, prints what is wrong and
which part of the protocol, in the .proto files, asks for it. The file must be called
botyard-KIND-NAME.

The plugin works as it is configured: an LLM makes some thirty generations, and a storage gets
thousands of conversations of the tenants whose names begin with kit. So give a storage a database
that has nothing else.`,
		Example: `  botyard plugin test ./botyard-llm-mine --config mine.yaml
  botyard plugin test ./botyard-llm-mine --only secret --only llm/cancel`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o := plugintest.Options{Binary: args[0], Only: only}
			if file != "" {
				doc, err := config.ReadFile(file)
				if err != nil {
					return err
				}
				if o.Config, err = json.Marshal(doc.Values()); err != nil {
					return err
				}
			}
			if !*asJSON {
				o.Report = func(r plugintest.Result) { printResult(cmd, r) }
			}
			results, err := plugintest.Run(cmd.Context(), o)
			if errors.Is(err, plugintest.ErrUnknownRule) {
				return usage(err)
			}
			if *asJSON && results != nil {
				err = errors.Join(err, printJSON(cmd, results))
			}
			if err != nil {
				return err
			}
			if n := len(plugintest.Problems(results)); n > 0 {
				return fmt.Errorf("%w: %d of %d", errBrokenRules, n, len(results))
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "file with the plugin's configuration block: its keys, without the one that selects the plugin, and without references to secrets")
	c.Flags().StringArrayVar(&only, "only", nil, "check only the rule of this name; may be given again")
	return c
}

// printResult prints the outcome of a rule.
func printResult(cmd *cobra.Command, r plugintest.Result) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s: %s\n", r.Outcome, r.Rule)
	if r.Outcome == plugintest.Failed {
		fmt.Fprintf(out, "    %s\n    the rule: %s\n    see %s, and %s\n", strings.ReplaceAll(r.Problem, "\n", "\n    "), r.Doc, r.Section, r.Protocol)
	}
}

package cli

import (
	"fmt"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantErase(host *remoteFlags, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "erase TENANT", Short: "Delete all conversations of a tenant, or of one of its users", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Delete all conversations of a tenant, in every storage that the tenant has used. The
tenant stays registered and is served. If the command is interrupted, repeat it.

With --user, delete what that user wrote and owns: the user's conversations in which no
other user wrote are deleted; in other conversations the user's turns are emptied.

The command asks for confirmation. Without a terminal it needs --yes.`),
	}
	user := c.Flags().String("user", "", "`ID` of the user whose conversations and turns are deleted")
	d := addDeletion(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		body := map[string]any{"abandon": d.abandon}
		what := "all conversations of tenant " + args[0]
		if cmd.Flags().Changed("user") {
			body["user"] = *user
			what = "all that one user wrote and owns of tenant " + args[0]
		}
		var done api.ErasedLine
		if err := d.run(cmd, host, args[0], "/erase", what, body, &done); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, done.Erased)
		}
		emptied := ""
		if done.Emptied > 0 {
			emptied = fmt.Sprintf("; %s in conversations with other users emptied", count(int(done.Emptied), "turn"))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s and %s of tenant %s are deleted%s\n", count(int(done.Conversations), "conversation"), count(int(done.Turns), "turn"), done.Tenant, emptied)
		return printCounts(cmd, done.Storages)
	}
	return c
}

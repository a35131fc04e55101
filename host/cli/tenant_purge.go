package cli

import (
	"fmt"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantPurge(host *remoteFlags, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "purge TENANT", Short: "Delete everything of a tenant, for good", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Delete everything of a tenant, for good. The host stops serving it, deletes what it wrote
in every storage that it has used, and then deletes its registration with all versions. A
receipt with the counts is kept; botyard tenant history shows it. Afterwards the id is
free, and a new tenant of that id starts empty. A removed tenant can be purged too. A
tenant of a file can be purged after the file is gone.

A purge that is interrupted leaves the tenant removed; repeat it. The command asks for
confirmation. Without a terminal it needs --yes.`),
	}
	d := addDeletion(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var done api.PurgedLine
		if err := d.run(cmd, host, args[0], "/purge", "everything of tenant "+args[0], map[string]any{"abandon": d.abandon}, &done); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, done.Receipt)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "tenant %s is purged: %s, %s and %s of its registration are deleted\n", done.Tenant,
			count(int(done.Conversations), "conversation"), count(int(done.Turns), "turn"), count(int(done.Versions), "version"))
		return printCounts(cmd, done.Storages)
	}
	return c
}

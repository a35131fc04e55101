package cli

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

// errInstances says that instances of a tenant cannot do their work. What is wrong is already printed.
var errInstances = errors.New("the tenant's bot would not work")

func newTenantCheck(host *remoteFlags, asJSON *bool) *cobra.Command {
	c := &cobra.Command{
		Use: "check TENANT", Short: "Check whether a tenant's model, memory and storage can do their work now", Args: cobra.ExactArgs(1),
		Long: strings.TrimSpace(`
Check whether a tenant's model, memory and storage can do their work now: whether the server is reached, the
key accepted, the model there, the database open. Nested plugins are checked too. No turn is made. A plugin
that cannot say whether it works does not change the exit status.

The exit status is 3 if something is wrong: in the tenant's configuration, or with what a plugin connects to.`),
		Example: `  botyard tenant check client-a`,
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := tenantPath(args[0])
		if err != nil {
			return err
		}
		client, err := host.client()
		if err != nil {
			return err
		}
		var found api.InstanceChecks
		if _, err := client.call(cmd.Context(), http.MethodPost, path+"/check", nil, nil, &found); err != nil {
			return err
		}
		print := printInstanceChecks
		if *asJSON {
			print = func(cmd *cobra.Command, found api.InstanceChecks) error { return printJSON(cmd, found) }
		}
		if err := print(cmd, found); err != nil {
			return err
		}
		if !found.OK {
			return fmt.Errorf("%w: %s", errInstances, found.Tenant)
		}
		return nil
	}
	return c
}

// printInstanceChecks prints what is wrong in the configuration, a table of the instances, and what is
// wrong with each.
func printInstanceChecks(cmd *cobra.Command, found api.InstanceChecks) error {
	out := cmd.OutOrStdout()
	if found.Error != "" || len(found.Problems) > 0 {
		fmt.Fprintln(out, "the configuration is wrong:")
		if len(found.Problems) == 0 {
			fmt.Fprintln(out, "    "+strings.ReplaceAll(found.Error, "\n", "\n    "))
		}
		for _, p := range found.Problems {
			fmt.Fprintln(out, "    "+problemLine(p))
		}
	}
	if len(found.Instances) == 0 {
		return nil
	}
	rows := [][]string{{"BLOCK", "KIND", "PLUGIN", "STATE", "TIME"}}
	for _, i := range found.Instances {
		state := i.State
		if state == api.StateUnknown {
			state = "cannot say"
		}
		took := time.Duration(i.TookMS) * time.Millisecond
		rows = append(rows, []string{i.Block, i.Kind, i.Plugin, state, took.String()})
	}
	if err := printTable(cmd, rows); err != nil {
		return err
	}
	for _, i := range found.Instances {
		if i.State != api.StateFailed {
			continue
		}
		line := i.Block + ": " + i.Class + ": "
		if i.Path != "" && i.Path != i.Block {
			line += i.Path + ": "
		}
		fmt.Fprintln(out, line+i.Message)
		if i.Remedy != "" {
			fmt.Fprintln(out, "    "+i.Remedy)
		}
	}
	return nil
}

package cli

import (
	"fmt"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantShow(host *remoteFlags, asJSON *bool) *cobra.Command {
	var as *string
	c := &cobra.Command{
		Use: "show TENANT", Short: "Show a tenant's effective configuration", Args: cobra.ExactArgs(1),
		Long: "Show a tenant and every key of its effective configuration, with its provenance. Secrets are redacted.\nWith --json, print the tenant and its configuration as the host has them. With --as tenant, show only\nwhat the tenant itself set.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := tenantPath(args[0])
			if err != nil {
				return err
			}
			query, err := asQuery(*as, nil)
			if err != nil {
				return err
			}
			var t api.Tenant
			if err := get(cmd, host, path+query, &t); err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd, t)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "tenant    %s\nsource    %s\nrevision  %s\n", t.ID, t.Source, t.Revision)
			if t.Error != "" {
				fmt.Fprintf(out, "invalid   %s\n", t.Error)
			}
			if t.MissingSecret != "" {
				fmt.Fprintf(out, "missing   %s\n", t.MissingSecret)
			}
			if t.Unavailable != "" {
				fmt.Fprintf(out, "refused   %s\n", t.Unavailable)
			}
			if t.Own != nil && t.Own.Held {
				fmt.Fprintf(out, "held      the tenant's own settings: %s\n", t.Own.Error)
			}
			if *as == "tenant" {
				fmt.Fprintln(out)
				for _, d := range differences(nil, t.Config) {
					fmt.Fprintf(out, "%s = %s\n", d.Path, d.To)
				}
				return nil
			}
			if t.Revision == "" {
				return nil
			}
			var e api.Effective
			if err := get(cmd, host, path+"/config", &e); err != nil {
				return err
			}
			fmt.Fprintln(out)
			return printEntries(cmd, e.Config)
		},
	}
	as = addAs(c)
	return c
}

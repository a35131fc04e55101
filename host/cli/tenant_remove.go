package cli

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"
)

func newTenantRemove(host *remoteFlags, asJSON *bool) *cobra.Command {
	var match string
	var as *string
	c := &cobra.Command{
		Use: "remove TENANT", Short: "Stop serving a tenant; its conversations stay, and its id is reserved for them", Args: cobra.ExactArgs(1),
		Long: "Stop serving a tenant. Its conversations stay, and its id is reserved for them. With --as tenant only the\ntenant's own settings are removed; it is then served with the operator's configuration.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := tenantPath(args[0])
			if err != nil {
				return err
			}
			query, err := asQuery(*as, nil)
			if err != nil {
				return err
			}
			client, err := host.client()
			if err != nil {
				return err
			}
			header := http.Header{}
			if match != "" {
				header.Set("If-Match", strconv.Quote(match))
			}
			if _, err := client.call(cmd.Context(), http.MethodDelete, path+query, header, nil, nil); err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd, map[string]string{"removed": args[0], "as": *as})
			}
			if *as == "tenant" {
				fmt.Fprintf(cmd.OutOrStdout(), "the own settings of tenant %s are removed\n", args[0])
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "tenant %s is removed\n", args[0])
			return nil
		},
	}
	as = addAs(c)
	c.Flags().StringVar(&match, "if-match", "", "fail unless the tenant is at this `REVISION`")
	return c
}

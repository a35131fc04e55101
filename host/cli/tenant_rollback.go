package cli

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantRollback(host *remoteFlags, asJSON *bool) *cobra.Command {
	var match string
	var as *string
	c := &cobra.Command{
		Use: "rollback TENANT VERSION", Short: "Give a tenant the settings of an earlier version", Args: cobra.ExactArgs(2),
		Long: "Give a tenant the settings that it had at an earlier version, secrets included. They are checked like any\nothers and become the newest version. With --as tenant only the tenant's own settings change.",
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || version < 1 {
				return usage(fmt.Errorf("%q is no version; botyard tenant history %s lists them", args[1], args[0]))
			}
			header := http.Header{}
			if match != "" {
				header.Set("If-Match", strconv.Quote(match))
			}
			query, err := asQuery(*as, nil)
			if err != nil {
				return err
			}
			return reactivate(cmd, host, *asJSON, args[0], "/rollback"+query, header, map[string]int64{"version": version})
		},
	}
	as = addAs(c)
	c.Flags().StringVar(&match, "if-match", "", "fail unless the tenant is at this `REVISION`")
	return c
}

func newTenantRestore(host *remoteFlags, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use: "restore TENANT", Short: "Serve a removed tenant again, with the settings and conversations that it had", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return reactivate(cmd, host, *asJSON, args[0], "/restore", nil, nil)
		},
	}
}

// reactivate sends the request of tenant rollback or tenant restore, after which the host
// serves the tenant. It prints the result.
func reactivate(cmd *cobra.Command, host *remoteFlags, asJSON bool, id, operation string, header http.Header, body any) error {
	path, err := tenantPath(id)
	if err != nil {
		return err
	}
	client, err := host.client()
	if err != nil {
		return err
	}
	var t api.Tenant
	if _, err := client.call(cmd.Context(), http.MethodPost, path+operation, header, body, &t); err != nil {
		return err
	}
	if asJSON {
		return printJSON(cmd, t)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "tenant %s is at revision %s\n", t.ID, t.Revision)
	return printHeld(cmd, t.Own, "are held")
}

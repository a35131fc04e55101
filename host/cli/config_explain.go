package cli

import (
	"fmt"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

func newConfigExplain() *cobra.Command {
	c := &cobra.Command{
		Use: "explain TENANT", Short: "Print every effective key of a tenant, and who set it", Args: cobra.ExactArgs(1),
	}
	f := new(hostFlags)
	f.addFiles(c, sampleConfig)
	asJSON := addJSON(c)
	policy := c.Flags().Bool("policy", false, "print what the tenant itself may do with each key, and what would allow it more")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := config.ValidTenantID(args[0]); err != nil {
			return usage(err)
		}
		return withFiles(cmd.Context(), f, func(files *files) error {
			var known []string
			for _, path := range files.tenants {
				id := tenantOf(path)
				known = append(known, id)
				if id != args[0] {
					continue
				}
				e, err := files.tenant(cmd.Context(), path)
				if err != nil {
					return err
				}
				if *asJSON {
					return printJSON(cmd, api.NewEffective(e))
				}
				if *policy {
					return printPolicy(cmd, api.NewEffective(e).Config)
				}
				return printEntries(cmd, api.NewEffective(e).Config)
			}
			if files.unread != nil {
				return files.unread
			}
			return fmt.Errorf("no tenant folder has a file of %q; there are %s", args[0], strings.Join(known, ", "))
		})
	}
	return c
}

package cli

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantHistory(host *remoteFlags, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use: "history TENANT", Short: "List the versions of a tenant's registration, newest first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			versions, err := history(cmd, host, args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd, versions)
			}
			rows := [][]string{{"VERSION", "TIME", "STATE", "AUTHOR", "REVISION", "NOTE"}}
			for _, v := range versions {
				at := ""
				if v.CreatedAt != nil {
					at = *v.CreatedAt
				}
				note := v.Note
				if v.Own != nil && v.Own.Held {
					note += " (own settings held now: " + firstLine(v.Own.Error) + ")"
				}
				if v.Error != "" {
					note += " (invalid now: " + firstLine(v.Error) + ")"
				}
				rows = append(rows, []string{strconv.FormatInt(v.Version, 10), at, v.State, orDash(v.Author), short(v.Revision), note})
			}
			if err := printTable(cmd, rows); err != nil {
				return err
			}
			for _, v := range versions {
				if v.Receipt == nil {
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "\nreceipt of version %d:\n", v.Version)
				if err := printJSON(cmd, v.Receipt); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// history returns all versions of a tenant, newest first.
func history(cmd *cobra.Command, host *remoteFlags, id string) ([]api.TenantVersion, error) {
	path, err := tenantPath(id)
	if err != nil {
		return nil, err
	}
	versions := []api.TenantVersion{}
	for before := new(int64); before != nil; {
		var page api.TenantVersions
		query := url.Values{"limit": {"1000"}}
		if *before > 0 {
			query.Set("before", strconv.FormatInt(*before, 10))
		}
		if err := get(cmd, host, path+"/versions?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		versions = append(versions, page.Versions...)
		before = page.Next
	}
	return versions, nil
}

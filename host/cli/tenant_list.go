package cli

import (
	"fmt"
	"net/url"
	"time"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantList(host *remoteFlags, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List all tenants",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := api.Tenants{Tenants: []api.Tenant{}}
			for query := (url.Values{"limit": {"1000"}}); ; {
				var page api.Tenants
				if err := get(cmd, host, "/admin/v1/tenants?"+query.Encode(), &page); err != nil {
					return err
				}
				list.Tenants = append(list.Tenants, page.Tenants...)
				list.IgnoredFiles = append(list.IgnoredFiles, page.IgnoredFiles...)
				if page.Next == nil {
					break
				}
				query.Set("after", *page.Next)
			}
			if *asJSON {
				return printJSON(cmd, list)
			}
			rows := [][]string{{"TENANT", "SOURCE", "REVISION", "STATE"}}
			for _, t := range list.Tenants {
				state := "ok"
				switch {
				case t.State == "removed":
					state = "removed: its id is reserved"
				case t.Error != "":
					state = "invalid: " + firstLine(t.Error)
				case t.MissingSecret != "":
					state = "secret gone: " + firstLine(t.MissingSecret)
				case len(t.KeptAway) > 0:
					k := t.KeptAway[0]
					state = fmt.Sprintf("kept away from the %s plugin %s until %s: %s", k.Kind, k.Name, k.Until.Format(time.RFC3339), firstLine(k.Reason))
				case t.Unavailable != "":
					state = "unavailable: " + firstLine(t.Unavailable)
				case t.Own != nil && t.Own.Held:
					state = "own settings held: " + firstLine(t.Own.Error)
				}
				rows = append(rows, []string{t.ID, t.Source, short(t.Revision), state})
			}
			if err := printTable(cmd, rows); err != nil || len(list.IgnoredFiles) == 0 {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout())
			rows = [][]string{{"IGNORED FILE", "REASON"}}
			for _, f := range list.IgnoredFiles {
				rows = append(rows, []string{f.File, f.Reason})
			}
			return printTable(cmd, rows)
		},
	}
}

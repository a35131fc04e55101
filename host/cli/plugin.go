package cli

import (
	"strconv"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newPlugin() *cobra.Command {
	c := &cobra.Command{Use: "plugin", Short: "See the plugins of a running host", RunE: needsCommand}
	host := addRemote(c)
	asJSON := addJSON(c)
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "List the plugins that were found, and their processes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.Plugins
			if err := get(cmd, host, "/admin/v1/plugins", &list); err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd, list)
			}
			rows := [][]string{{"KIND", "NAME", "VERSION", "PID", "STATE", "RESTARTS", "INSTANCES", "OPEN CIRCUITS", "SCOPE", "LAST ERROR"}}
			for _, p := range list.Plugins {
				pid := "-"
				if p.PID > 0 {
					pid = strconv.Itoa(p.PID)
				}
				rows = append(rows, []string{
					p.Kind, p.Name, orDash(p.Version), pid, string(p.State),
					strconv.Itoa(p.Restarts), strconv.Itoa(p.Instances), strconv.Itoa(p.OpenCircuits), orDash(p.Scope), orDash(firstLine(p.LastError)),
				})
			}
			return printTable(cmd, rows)
		},
	})
	return c
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newPlugin() *cobra.Command {
	c := &cobra.Command{Use: "plugin", Short: "See the plugins of a running host, and test plugins", RunE: needsCommand}
	asJSON := addJSON(c)
	var verbose bool
	var host *remoteFlags
	list := &cobra.Command{
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
			if err := printTable(cmd, rows); err != nil {
				return err
			}
			if verbose {
				if err := printOffers(cmd, list); err != nil {
					return err
				}
			}
			return printBlamed(cmd, list)
		},
	}
	list.Flags().BoolVar(&verbose, "verbose", false, "show the services and features of each plugin that has started")
	host = addRemote(list)
	c.AddCommand(list, newPluginTest(asJSON))
	return c
}

// printOffers prints the services and features of each plugin, and which of them this version of
// the host does not use.
func printOffers(cmd *cobra.Command, list api.Plugins) error {
	rows := [][]string{{"KIND", "NAME", "SERVICES", "FEATURES", "NOT USED BY THIS HOST"}}
	for _, p := range list.Plugins {
		unknown := slices.Concat(p.UnknownServices, p.UnknownFeatures)
		rows = append(rows, []string{p.Kind, p.Name, orDash(strings.Join(p.Services, " ")),
			orDash(strings.Join(p.Features, " ")), orDash(strings.Join(unknown, " "))})
	}
	fmt.Fprintln(cmd.OutOrStdout())
	return printTable(cmd, rows)
}

// printBlamed prints the tenants that a plugin refuses for a while, and the tenants that run in
// processes of their own.
func printBlamed(cmd *cobra.Command, list api.Plugins) error {
	var rows [][]string
	for _, p := range list.Plugins {
		for _, k := range p.KeptAway {
			rows = append(rows, []string{p.Kind, p.Name, k.Tenant, "kept away until " + k.Until.Format(time.RFC3339), firstLine(k.Reason)})
		}
		for _, c := range p.Cells {
			rows = append(rows, []string{p.Kind, p.Name, strings.Join(c.Tenants, " "), "apart, " + string(c.State), "-"})
		}
	}
	if rows == nil {
		return nil
	}
	fmt.Fprintln(cmd.OutOrStdout())
	return printTable(cmd, append([][]string{{"KIND", "NAME", "TENANTS", "STATE", "REASON"}}, rows...))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

func newConfigReload() *cobra.Command {
	c := &cobra.Command{
		Use: "reload", Short: "Reload the files of a running host",
		Long: strings.TrimSpace(`
Make a running host read its host file and overlay again, check every tenant with them,
and apply them. If a tenant that is served would break, nothing is applied. Tenant files
need no reload: the host notices their changes.

The signal SIGHUP to the host does the same.`),
		Args: cobra.NoArgs,
	}
	host := addRemote(c)
	asJSON := addJSON(c)
	dryRun := c.Flags().Bool("dry-run", false, "only print which tenants would change or break, and which keys need a restart; nothing is written")
	confirm := c.Flags().Bool("confirm-removed", false, "drop the tenants that are held because too many files disappeared at once, if the files are applied")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := host.client()
		if err != nil {
			return err
		}
		query := url.Values{"dry_run": {strconv.FormatBool(*dryRun)}, "confirm_removed": {strconv.FormatBool(*confirm)}}
		var done api.Reload
		if _, err := client.call(cmd.Context(), "POST", "/admin/v1/reload?"+query.Encode(), nil, nil, &done); err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(cmd, done)
		} else {
			err = printReload(cmd, done)
		}
		if err == nil && done.Broken > 0 {
			err = fmt.Errorf("%w: nothing is applied, since %s would break", errInvalid, count(done.Broken, "tenant"))
		}
		return err
	}
	return c
}

func printReload(cmd *cobra.Command, done api.Reload) error {
	out := cmd.OutOrStdout()
	rows := [][]string{}
	for _, t := range done.Changes {
		to := shortRevision(t.To)
		if t.To == "" {
			to = "breaks: " + t.Error
		}
		rows = append(rows, []string{t.Tenant, orDash(shortRevision(t.From)), to})
	}
	if len(rows) > 0 {
		if err := printTable(cmd, append([][]string{{"TENANT", "FROM", "TO"}}, rows...)); err != nil {
			return err
		}
	}
	for _, t := range done.Changes {
		if t.Own == nil {
			continue
		}
		held := "are held"
		if !done.Applied {
			held = "would be held"
		}
		fmt.Fprintf(out, "%s: the tenant's own settings %s:\n", t.Tenant, held)
		for _, p := range t.Own.Problems {
			fmt.Fprintln(out, "  "+problemLine(p))
		}
	}
	fate := "is dropped"
	if done.DryRun {
		fate = "would be dropped"
	}
	for _, id := range done.Removed {
		fmt.Fprintf(out, "%s %s\n", id, fate)
	}
	for _, w := range done.Warnings {
		fmt.Fprintln(out, "warning: "+problemLine(w))
	}
	for _, key := range done.Restart {
		of := "the host"
		if applies, _ := config.AppliesOf(key); applies == config.AtProcessStart {
			of = "the plugin's process"
		}
		fmt.Fprintf(out, "%s has changed and takes effect at the next start of %s\n", key, of)
	}
	switch {
	case done.Applied:
		fmt.Fprintf(out, "applied; %s changed\n", count(len(rows), "tenant"))
	case done.DryRun:
		fmt.Fprintf(out, "dry run; %s would change or break\n", count(len(rows), "tenant"))
	}
	return nil
}

func shortRevision(revision string) string {
	if len(revision) > 12 {
		return revision[:12]
	}
	return revision
}

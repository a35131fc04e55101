package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

// addJSON adds the flag --json.
func addJSON(c *cobra.Command) *bool {
	return c.PersistentFlags().Bool("json", false, "print JSON")
}

// get sends a GET request to the host and decodes the response into out.
func get(cmd *cobra.Command, host *remoteFlags, path string, out any) error {
	c, err := host.client()
	if err != nil {
		return err
	}
	_, err = c.call(cmd.Context(), "GET", path, nil, nil, out)
	return err
}

// printJSON prints v as indented JSON.
func printJSON(cmd *cobra.Command, v any) error {
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printTable prints rows in aligned columns.
func printTable(cmd *cobra.Command, rows [][]string) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// printEntries prints an effective configuration, one key in each line.
func printEntries(cmd *cobra.Command, entries []api.Entry) error {
	var rows [][]string
	for _, e := range entries {
		value, err := json.Marshal(e.Value)
		if err != nil {
			return err
		}
		text := string(value)
		if e.Secret {
			text = fmt.Sprint(e.Value)
		}
		if e.Dropped != "" {
			text = "(inherited, and dropped: " + e.Dropped + ")"
		}
		at := e.Layer
		if e.File != e.Layer {
			at += ", " + e.File
		}
		if e.Line > 0 {
			at += fmt.Sprintf(":%d:%d", e.Line, e.Column)
		}
		if e.PerHost {
			at += "; per host"
		}
		rows = append(rows, []string{e.Path, "= " + text, "# " + at})
	}
	return printTable(cmd, rows)
}

// printPolicy prints for each key whether the tenant itself may set it, and which part of the
// policy says so.
func printPolicy(cmd *cobra.Command, entries []api.Entry) error {
	var rows [][]string
	for _, e := range entries {
		if e.Dropped != "" {
			continue
		}
		why := e.Rule
		if e.Allow != "" {
			why += "; to allow it: " + e.Allow
		}
		rows = append(rows, []string{e.Path, e.TenantMay, why})
	}
	return printTable(cmd, rows)
}

// short returns the first digits of a revision or a digest.
func short(revision string) string {
	const enough = 12
	if len(revision) > enough {
		return revision[:enough]
	}
	return revision
}

// firstLine returns the first line of s. It adds dots if s has more lines.
func firstLine(s string) string {
	const enough = 500
	first, rest, _ := strings.Cut(s, "\n")
	if len(first) > enough {
		first, rest = strings.ToValidUTF8(first[:enough], ""), first[enough:]
	}
	if rest != "" {
		first += " ..."
	}
	return first
}

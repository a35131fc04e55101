package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantHistory(host *remote, asJSON *bool) *cobra.Command {
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

func history(cmd *cobra.Command, host *remote, id string) ([]api.TenantVersion, error) {
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

func newTenantDiff(host *remote, asJSON *bool) *cobra.Command {
	var as *string
	c := &cobra.Command{
		Use: "diff TENANT FROM [TO]", Short: "Show what changed between two versions of a tenant", Args: cobra.RangeArgs(2, 3),
		Long: "Show which keys of a tenant's configuration changed from one version to another, which is the\nnewest if it is left out. With --as tenant they are those of its own settings. Secrets are hidden: one that was\nreplaced by another shows no difference.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := tenantPath(args[0])
			if err != nil {
				return err
			}
			if _, err := asQuery(*as, nil); err != nil {
				return err
			}
			if len(args) == 2 {
				var page api.TenantVersions
				if err := get(cmd, host, path+"/versions?limit=1", &page); err != nil {
					return err
				}
				args = append(args, strconv.FormatInt(page.Versions[0].Version, 10))
			}
			var sides [2]api.TenantVersion
			for i, text := range args[1:] {
				version, err := strconv.ParseInt(text, 10, 64)
				if err != nil || version < 1 {
					return usage(fmt.Errorf("%q is no version; botyard tenant history %s lists them", text, args[0]))
				}
				if err := get(cmd, host, fmt.Sprintf("%s/versions/%d", path, version), &sides[i]); err != nil {
					return err
				}
			}
			configs := [2]map[string]any{sides[0].Config, sides[1].Config}
			if *as == "tenant" {
				for i, side := range sides {
					if configs[i] = nil; side.Own != nil {
						configs[i] = side.Own.Config
					}
				}
			}
			changes := differences(configs[0], configs[1])
			if *asJSON {
				return printJSON(cmd, map[string]any{"from": sides[0].Version, "to": sides[1].Version, "changes": changes})
			}
			out := cmd.OutOrStdout()
			if from, to := sides[0].State, sides[1].State; from != to {
				fmt.Fprintf(out, "state: %s -> %s\n", from, to)
			}
			if len(changes) == 0 {
				fmt.Fprintln(out, "no difference but perhaps in secrets")
			}
			for _, c := range changes {
				if c.From != nil {
					fmt.Fprintf(out, "- %s = %s\n", c.Path, c.From)
				}
				if c.To != nil {
					fmt.Fprintf(out, "+ %s = %s\n", c.Path, c.To)
				}
			}
			return nil
		},
	}
	as = addAs(c)
	return c
}

// difference is one key that two configurations do not share.
type difference struct {
	Path string          `json:"path"`
	From json.RawMessage `json:"from,omitempty"` // JSON; nil: it was not there
	To   json.RawMessage `json:"to,omitempty"`   // JSON; nil: it is not there
}

// differences compares the leaves of two configurations, by path.
func differences(from, to map[string]any) []difference {
	before, after := map[string]any{}, map[string]any{}
	leaves(before, "", from)
	leaves(after, "", to)
	paths := map[string]bool{}
	for _, side := range []map[string]any{before, after} {
		for path := range side {
			paths[path] = true
		}
	}
	out := []difference{}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		old, had := before[path]
		now, has := after[path]
		if had && has && reflect.DeepEqual(old, now) {
			continue
		}
		d := difference{Path: path}
		if had {
			d.From = encoded(old)
		}
		if has {
			d.To = encoded(now)
		}
		out = append(out, d)
	}
	return out
}

func leaves(into map[string]any, path string, value any) {
	m, ok := value.(map[string]any)
	if !ok || len(m) == 0 && path != "" {
		into[path] = value
		return
	}
	for key, item := range m {
		below := key
		if path != "" {
			below = path + "." + key
		}
		leaves(into, below, item)
	}
}

func encoded(v any) json.RawMessage {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil // unreachable: it came as JSON
	}
	return bytes.TrimSpace(out.Bytes())
}

func newTenantRollback(host *remote, asJSON *bool) *cobra.Command {
	var match string
	var as *string
	c := &cobra.Command{
		Use: "rollback TENANT VERSION", Short: "Give a tenant the settings of an earlier version", Args: cobra.ExactArgs(2),
		Long: "Give a tenant the settings, secrets included, that it had at an earlier version. They are checked as\nany others and become the newest version. With --as tenant it is of the tenant's own settings, and the\noperator's stay.",
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
			return revive(cmd, host, *asJSON, args[0], "/rollback"+query, header, map[string]int64{"version": version})
		},
	}
	as = addAs(c)
	c.Flags().StringVar(&match, "if-match", "", "fail unless the tenant is at this `REVISION`")
	return c
}

func newTenantRestore(host *remote, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use: "restore TENANT", Short: "Serve a removed tenant again, with the settings and conversations that it had", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return revive(cmd, host, *asJSON, args[0], "/restore", nil, nil)
		},
	}
}

// revive makes a call that leaves a tenant served, and says so.
func revive(cmd *cobra.Command, host *remote, asJSON bool, id, operation string, header http.Header, body any) error {
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
	return sayHeld(cmd, t.Own, "are held")
}

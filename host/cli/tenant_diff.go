package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/botyard/botyard/host/api"
	"github.com/spf13/cobra"
)

func newTenantDiff(host *remoteFlags, asJSON *bool) *cobra.Command {
	var as *string
	c := &cobra.Command{
		Use: "diff TENANT FROM [TO]", Short: "Show what changed between two versions of a tenant", Args: cobra.RangeArgs(2, 3),
		Long: "Show which keys of a tenant's configuration changed from one version to another. Without TO it is the\nnewest version. With --as tenant, show the keys of the tenant's own settings. Secrets are redacted, so a\nchanged secret shows no difference.",
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
				fmt.Fprintln(out, "no difference, except perhaps in secrets")
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

// difference is one key that differs between two configurations.
type difference struct {
	Path string          `json:"path"`
	From json.RawMessage `json:"from,omitempty"` // nil if the first configuration lacks the key
	To   json.RawMessage `json:"to,omitempty"`   // nil if the second configuration lacks the key
}

// differences returns the keys whose values differ, ordered by path.
func differences(from, to map[string]any) []difference {
	before, after := map[string]any{}, map[string]any{}
	flatten(before, "", from)
	flatten(after, "", to)
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

// flatten adds the values of a configuration to the map into, with their paths as keys.
func flatten(into map[string]any, path string, value any) {
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
		flatten(into, below, item)
	}
}

// encoded returns v as JSON.
func encoded(v any) json.RawMessage {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil // impossible, because v was decoded from JSON
	}
	return bytes.TrimSpace(out.Bytes())
}

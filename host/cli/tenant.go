package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

func newTenant() *cobra.Command {
	c := &cobra.Command{Use: "tenant", Short: "See and change the tenants of a running host", RunE: needsCommand}
	host := addRemote(c)
	asJSON := addJSON(c)
	c.AddCommand(newTenantList(host, asJSON), newTenantShow(host, asJSON), newTenantPut(host, asJSON), newTenantPatch(host, asJSON), newTenantRemove(host, asJSON),
		newTenantRestore(host, asJSON), newTenantHistory(host, asJSON), newTenantDiff(host, asJSON), newTenantRollback(host, asJSON),
		newTenantExport(host, asJSON), newTenantImport(host, asJSON), newTenantErase(host, asJSON), newTenantPurge(host, asJSON))
	return c
}

func newTenantList(host *remote, asJSON *bool) *cobra.Command {
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

// addAs adds the flag that says whose document a command is about.
func addAs(c *cobra.Command) *string {
	as := c.Flags().String("as", "operator", "whose document: `operator` or tenant, the tenant's own settings")
	_ = c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions([]string{"operator", "tenant"}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return as
}

// asQuery is the query that says whose document a request is about, with other values.
func asQuery(as string, more url.Values) (string, error) {
	query := url.Values{}
	for name, values := range more {
		query[name] = values
	}
	switch as {
	case "operator":
	case "tenant":
		query.Set("as", as)
	default:
		return "", usage(fmt.Errorf("--as is %q; expected operator or tenant", as))
	}
	if len(query) == 0 {
		return "", nil
	}
	return "?" + query.Encode(), nil
}

func newTenantShow(host *remote, asJSON *bool) *cobra.Command {
	var as *string
	c := &cobra.Command{
		Use: "show TENANT", Short: "Show a tenant's effective configuration", Args: cobra.ExactArgs(1),
		Long: "Show a tenant and every key of its effective configuration, with who set it. Secrets are hidden.\nWith --json, the tenant and its configuration as the host has it. With --as tenant, only what the tenant\nitself set.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := tenantPath(args[0])
			if err != nil {
				return err
			}
			query, err := asQuery(*as, nil)
			if err != nil {
				return err
			}
			var t api.Tenant
			if err := get(cmd, host, path+query, &t); err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd, t)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "tenant    %s\nsource    %s\nrevision  %s\n", t.ID, t.Source, t.Revision)
			if t.Error != "" {
				fmt.Fprintf(out, "invalid   %s\n", t.Error)
			}
			if t.MissingSecret != "" {
				fmt.Fprintf(out, "missing   %s\n", t.MissingSecret)
			}
			if t.Unavailable != "" {
				fmt.Fprintf(out, "refused   %s\n", t.Unavailable)
			}
			if t.Own != nil && t.Own.Held {
				fmt.Fprintf(out, "held      the tenant's own settings: %s\n", t.Own.Error)
			}
			if *as == "tenant" {
				fmt.Fprintln(out)
				for _, d := range differences(nil, t.Config) {
					fmt.Fprintf(out, "%s = %s\n", d.Path, d.To)
				}
				return nil
			}
			if t.Revision == "" {
				return nil
			}
			var e api.Effective
			if err := get(cmd, host, path+"/config", &e); err != nil {
				return err
			}
			fmt.Fprintln(out)
			return printEntries(cmd, e.Config)
		},
	}
	as = addAs(c)
	return c
}

func newTenantPut(host *remote, asJSON *bool) *cobra.Command {
	var create bool
	change := &tenantChange{host: host, asJSON: asJSON, method: http.MethodPut, kind: "application/json"}
	c := &cobra.Command{
		Use: "put TENANT FILE", Short: "Register a tenant, or replace its configuration", Args: cobra.ExactArgs(2),
		Long: "Register a tenant, or replace its configuration, with that of an HCL, YAML or JSON file;\n- is standard input, JSON unless --format says otherwise. What is invalid changes nothing. With --as tenant\nit is the tenant's own settings that are replaced.",
		RunE: func(cmd *cobra.Command, args []string) error {
			header := http.Header{}
			if create {
				header.Set("If-None-Match", "*")
			}
			return change.run(cmd, args[0], args[1], header)
		},
	}
	change.addFlags(c)
	c.Flags().BoolVar(&create, "create", false, "fail if the tenant exists, or has own settings")
	return c
}

func newTenantPatch(host *remote, asJSON *bool) *cobra.Command {
	change := &tenantChange{host: host, asJSON: asJSON, method: http.MethodPatch, kind: "application/merge-patch+json"}
	c := &cobra.Command{
		Use: "patch TENANT FILE", Short: "Change some keys of a tenant's configuration", Args: cobra.ExactArgs(2),
		Long: "Change the keys of a tenant's configuration that an HCL, YAML or JSON file has, and leave the others;\n- is standard input, JSON unless --format says otherwise. A null takes the key out of the configuration; to\nwrite a null into it, put the whole. With --as tenant it is of the tenant's own settings.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return change.run(cmd, args[0], args[1], http.Header{})
		},
	}
	change.addFlags(c)
	return c
}

// tenantChange is a command that sends a document.
type tenantChange struct {
	host   *remote
	asJSON *bool

	method, kind string

	dryRun        bool
	match, format string
	as            *string
}

func (t *tenantChange) addFlags(c *cobra.Command) {
	c.Flags().BoolVar(&t.dryRun, "dry-run", false, "only check, and show what would be effective")
	c.Flags().StringVar(&t.format, "format", "json", "`FORMAT` of standard input: json, hcl or yaml")
	c.Flags().StringVar(&t.match, "if-match", "", "fail unless the tenant is at this `REVISION`")
	t.as = addAs(c)
}

func (t *tenantChange) run(cmd *cobra.Command, id, file string, header http.Header) error {
	path, err := tenantPath(id)
	if err != nil {
		return err
	}
	more := url.Values{}
	if t.dryRun {
		more.Set("dry_run", "true")
	}
	query, err := asQuery(*t.as, more)
	if err != nil {
		return err
	}
	doc, err := readDocument(cmd.InOrStdin(), file, t.format)
	if err != nil {
		return err
	}
	client, err := t.host.client()
	if err != nil {
		return err
	}
	if t.match != "" {
		header.Set("If-Match", strconv.Quote(t.match))
	}
	if t.dryRun {
		var e api.Effective
		if err := client.sendDocument(cmd.Context(), t.method, path+query, header, t.kind, doc, &e); err != nil {
			return inFile(err, doc)
		}
		if *t.asJSON {
			return printJSON(cmd, e)
		}
		if err := printEntries(cmd, e.Config); err != nil {
			return err
		}
		return sayHeld(cmd, e.Own, "would be held")
	}
	var got api.Tenant
	if err := client.sendDocument(cmd.Context(), t.method, path+query, header, t.kind, doc, &got); err != nil {
		return inFile(err, doc)
	}
	if *t.asJSON {
		return printJSON(cmd, got)
	}
	how := "is"
	if got.Created && *t.as == "operator" {
		how = "is created, and"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "tenant %s %s at revision %s\n", got.ID, how, got.Revision)
	return sayHeld(cmd, got.Own, "are held")
}

// sayHeld says that a tenant's own settings do not count, if they do not.
func sayHeld(cmd *cobra.Command, own *api.OwnSettings, how string) error {
	if own == nil || !own.Held {
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "the tenant's own settings %s:\n", how)
	for _, p := range own.Problems {
		fmt.Fprintln(cmd.OutOrStdout(), "  "+problemLine(p))
	}
	return nil
}

// maxInput is above what a document may have; the parser says so.
const maxInput = 2 << 20

// readDocument reads a configuration from a file, or from in if the path is "-".
func readDocument(in io.Reader, path, format string) (*config.Document, error) {
	if path != "-" {
		return config.ReadFile(path)
	}
	parsers := map[string]func(string, []byte) (*config.Document, error){
		"json": config.ParseJSON, "hcl": config.ParseHCL, "yaml": config.ParseYAML,
	}
	parse, ok := parsers[format]
	if !ok {
		return nil, usage(fmt.Errorf("--format is %q; expected json, hcl or yaml", format))
	}
	src, err := io.ReadAll(io.LimitReader(in, maxInput))
	if err != nil {
		return nil, fmt.Errorf("standard input cannot be read: %w", err)
	}
	return parse("standard input", src)
}

func newTenantRemove(host *remote, asJSON *bool) *cobra.Command {
	var match string
	var as *string
	c := &cobra.Command{
		Use: "remove TENANT", Short: "Stop serving a tenant; its conversations stay, and its id is reserved for them", Args: cobra.ExactArgs(1),
		Long: "Stop serving a tenant; its conversations stay, and its id is reserved for them. With --as tenant only the\ntenant's own settings are removed, and it is served by the operator's.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := tenantPath(args[0])
			if err != nil {
				return err
			}
			query, err := asQuery(*as, nil)
			if err != nil {
				return err
			}
			client, err := host.client()
			if err != nil {
				return err
			}
			header := http.Header{}
			if match != "" {
				header.Set("If-Match", strconv.Quote(match))
			}
			if _, err := client.call(cmd.Context(), http.MethodDelete, path+query, header, nil, nil); err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd, map[string]string{"removed": args[0], "as": *as})
			}
			if *as == "tenant" {
				fmt.Fprintf(cmd.OutOrStdout(), "the own settings of tenant %s are removed\n", args[0])
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "tenant %s is removed\n", args[0])
			return nil
		},
	}
	as = addAs(c)
	c.Flags().StringVar(&match, "if-match", "", "fail unless the tenant is at this `REVISION`")
	return c
}

// tenantPath checks the id here: ".." would be another path.
func tenantPath(id string) (string, error) {
	if err := config.ValidTenantID(id); err != nil {
		return "", usage(err)
	}
	return "/admin/v1/tenants/" + url.PathEscape(id), nil
}

// inFile puts the problems of what was sent where they are in the file that it was
// made of.
func inFile(err error, doc *config.Document) error {
	remote, ok := err.(*remoteError)
	if !ok {
		return err
	}
	for i, p := range remote.Problems {
		if p.File != "body" {
			continue
		}
		at := doc.Pos(pathOf(p.Pointer))
		p.File, p.Line, p.Column = at.File, at.Line, at.Column
		remote.Problems[i] = p
	}
	slices.SortStableFunc(remote.Problems, func(a, b api.ConfigProblem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return remote
}

var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

// pathOf reads a JSON pointer.
func pathOf(pointer string) config.Path {
	var path config.Path
	for segment := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer != "" {
			path = append(path, pointerEscapes.Replace(segment))
		}
	}
	return path
}

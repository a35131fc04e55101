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

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/spf13/cobra"
)

func newTenantPut(host *remoteFlags, asJSON *bool) *cobra.Command {
	var create bool
	change := &tenantChange{host: host, asJSON: asJSON, method: http.MethodPut, kind: "application/json"}
	c := &cobra.Command{
		Use: "put TENANT FILE", Short: "Register a tenant, or replace its configuration", Args: cobra.ExactArgs(2),
		Long: "Register a tenant, or replace its configuration, with an HCL, YAML or JSON file. - is standard input, in\nJSON unless --format says otherwise. An invalid file changes nothing. With --as tenant the tenant's own\nsettings are replaced.",
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

func newTenantPatch(host *remoteFlags, asJSON *bool) *cobra.Command {
	change := &tenantChange{host: host, asJSON: asJSON, method: http.MethodPatch, kind: "application/merge-patch+json"}
	c := &cobra.Command{
		Use: "patch TENANT FILE", Short: "Change some keys of a tenant's configuration", Args: cobra.ExactArgs(2),
		Long: "Change the keys of a tenant's configuration that an HCL, YAML or JSON file has, and keep the others. - is\nstandard input, in JSON unless --format says otherwise. A null removes the key from the configuration; to\nset a key to null, put the whole configuration. With --as tenant the tenant's own settings are changed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return change.run(cmd, args[0], args[1], http.Header{})
		},
	}
	change.addFlags(c)
	return c
}

// tenantChange is a command that sends a configuration document: tenant put or tenant patch.
type tenantChange struct {
	host   *remoteFlags
	asJSON *bool

	method, kind string

	dryRun        bool
	match, format string
	as            *string
}

func (t *tenantChange) addFlags(c *cobra.Command) {
	c.Flags().BoolVar(&t.dryRun, "dry-run", false, "only check, and print what would be effective")
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
		return printHeld(cmd, e.Own, "would be held")
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
	return printHeld(cmd, got.Own, "are held")
}

// printHeld prints the problems of the tenant's own settings if the settings are held.
func printHeld(cmd *cobra.Command, own *api.OwnSettings, how string) error {
	if own == nil || !own.Held {
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "the tenant's own settings %s:\n", how)
	for _, p := range own.Problems {
		fmt.Fprintln(cmd.OutOrStdout(), "  "+problemLine(p))
	}
	return nil
}

// maxInput bounds standard input, in bytes. It is more than a document may have, so that the
// parser reports a document that is too large.
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

// inFile returns the error with the positions of its problems in the file that the command has
// sent.
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

// pathOf parses a JSON pointer.
func pathOf(pointer string) config.Path {
	var path config.Path
	for segment := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer != "" {
			path = append(path, pointerEscapes.Replace(segment))
		}
	}
	return path
}

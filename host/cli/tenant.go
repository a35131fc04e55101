package cli

import (
	"fmt"
	"net/url"

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

// addAs adds the flag that says whose document a command is about.
func addAs(c *cobra.Command) *string {
	as := c.Flags().String("as", "operator", "whose document: `operator` or tenant, the tenant's own settings")
	_ = c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions([]string{"operator", "tenant"}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return as
}

// asQuery returns the query of a request about the document of --as, with other parameters.
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

// tenantPath returns the path of a tenant's routes. It checks the id, because ".." would be
// another path.
func tenantPath(id string) (string, error) {
	if err := config.ValidTenantID(id); err != nil {
		return "", usage(err)
	}
	return "/admin/v1/tenants/" + url.PathEscape(id), nil
}

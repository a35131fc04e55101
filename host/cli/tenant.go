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
	c.AddCommand(newTenantList(host, asJSON), newTenantShow(host, asJSON), newTenantCheck(host, asJSON), newTenantPut(host, asJSON), newTenantPatch(host, asJSON), newTenantRemove(host, asJSON),
		newTenantRestore(host, asJSON), newTenantHistory(host, asJSON), newTenantDiff(host, asJSON), newTenantRollback(host, asJSON),
		newTenantExport(host, asJSON), newTenantImport(host, asJSON), newTenantErase(host, asJSON), newTenantPurge(host, asJSON))
	return c
}

// addAs adds the flag --as, which chooses between the operator's document and the tenant's own.
func addAs(c *cobra.Command) *string {
	as := c.Flags().String("as", "operator", "whose document: `operator` or tenant, the tenant's own settings")
	// The error is impossible, because the flag exists.
	_ = c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions([]string{"operator", "tenant"}, cobra.ShellCompDirectiveNoFileComp))
	return as
}

// asQuery returns the query of a request for the document that the flag --as chooses, with the
// parameters in more.
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

// tenantPath returns the path of a tenant's routes. It checks the id, because an id such as
// ".." would lead to other routes.
func tenantPath(id string) (string, error) {
	if err := config.ValidTenantID(id); err != nil {
		return "", usage(err)
	}
	return "/admin/v1/tenants/" + url.PathEscape(id), nil
}

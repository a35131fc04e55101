package bounds

import (
	"fmt"

	"github.com/botyard/botyard/sdk/egress"
)

const (
	// Lookups is how many names of one tenant's configuration are looked up when it is
	// registered, and LookupsAtOnce how many for all.
	Lookups       = 16
	LookupsAtOnce = 32
)

// plugins are the bounds of plugin processes, instances, calls and of what is at their
// other end, by host/plugins and by the plugins themselves.
var plugins = []Bound{
	{
		Name: "addresses that are allowed", What: "The entries of the list of what tenants' own settings may lead to.",
		All: fmt.Sprint(egress.MaxAllow), Key: "egress.allow",
		Answer: "The host file is refused.",
	},
	{
		Name: "names that are looked up", What: "The names in a tenant's own settings that are looked up when it is registered, within 2 seconds.",
		Each: fmt.Sprint(Lookups), All: fmt.Sprintf("%d at once", LookupsAtOnce),
		Answer: "The others are judged when they are connected to, as all are.",
	},
	{
		Name: "addresses of a name", What: "The addresses of one name that are looked at for a connection under `egress`.",
		Each:   fmt.Sprint(egress.MaxAddresses),
		Answer: "The others are left out.",
	},
	{
		Name: "hosts of a database", What: "The hosts that storage-postgres tries for one database.",
		Each:   "16",
		Answer: "The configuration is refused.",
	},
}

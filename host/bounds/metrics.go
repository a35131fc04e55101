package bounds

import "strconv"

// MaxTenantLabels is the maximum of the key metrics.max_tenant_labels.
const MaxTenantLabels = 10_000

// ReadyLabelSets is how many label sets package metrics caches for each kind of measurement. A host
// uses fewer sets, because a set consists of routes, statuses, classes and parties of the host.
const ReadyLabelSets = 1024

// metrics has the bounds of the metrics page. Package host/metrics enforces these bounds.
var metrics = []Bound{
	{
		Name: "tenant labels",
		What: "Tenants that have a label of their own in the metrics at once.",
		All:  strconv.Itoa(MaxTenantLabels), Key: "metrics.max_tenant_labels",
		Answer: "The turns of further tenants are counted together, as `@other`.",
	},
	{
		Name:   "ready label sets",
		What:   "Sets of labels that are kept ready for records, of each kind of record.",
		All:    "1024",
		Answer: "Nothing is lost: a further set is made for each record.",
	},
}

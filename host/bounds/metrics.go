package bounds

import "strconv"

// MaxTenantLabels is the highest value of the key metrics.max_tenant_labels.
const MaxTenantLabels = 10_000

// ReadyLabelSets is how many sets of labels are kept for each kind of record. A host makes fewer: sets
// consist of its routes, statuses, classes and parties.
const ReadyLabelSets = 1024

// metrics has the bounds of the page of metrics. host/metrics enforces them.
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

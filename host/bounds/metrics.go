package bounds

import "strconv"

// MaxTenantLabels is the most that metrics.max_tenant_labels can be.
const MaxTenantLabels = 10_000

// ReadyLabelSets is how many sets of labels of metrics are kept ready, for each kind of
// record. Those that a host makes are fewer: they are made of its routes, statuses, classes
// and parties.
const ReadyLabelSets = 1024

// metrics are the bounds of the page of metrics, by host/metrics.
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

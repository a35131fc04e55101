package metrics

import "slices"

// These constants are the values of Family.Type.
const (
	Counter   = "counter"
	Gauge     = "gauge"
	Histogram = "histogram"
)

// Family is a metric of the page: the series with one name that differ in their labels.
type Family struct {
	Name   string
	Type   string
	Labels []string // sorted; the label "tenant" is present only if the operator enables it
	Help   string
}

// These constants are the names of all families of this package. The page also has families of the
// Prometheus library, for the Go runtime and the process, whose names begin with go_ and process_.
const (
	turns         = "botyard_turns_total"
	turnDuration  = "botyard_turn_duration_seconds"
	firstToken    = "botyard_turn_first_token_seconds"
	tokens        = "botyard_tokens_total"
	passedOver    = "botyard_models_passed_over_total"
	fallbacks     = "botyard_fallback_replies_total"
	turnsRunning  = "botyard_turns_running"
	turnsWaiting  = "botyard_turns_waiting"
	turnsOrphaned = "botyard_turns_left_over"
	leasesFailed  = "botyard_lease_renewal_failures_total"

	memoryTurns   = "botyard_memory_turns_total"
	memoryForgets = "botyard_memory_forgets_total"
	memoryFailed  = "botyard_memory_failures_total"
	memoryWaiting = "botyard_memory_tenants_waiting"

	requests        = "botyard_http_requests_total"
	requestDuration = "botyard_http_request_duration_seconds"

	pluginProcesses = "botyard_plugin_processes"
	pluginRestarts  = "botyard_plugin_restarts_total"
	pluginCalls     = "botyard_plugin_calls_total"
	pluginRunning   = "botyard_plugin_calls_running"
	pluginWaiting   = "botyard_plugin_calls_waiting"
	pluginInstances = "botyard_plugin_instances"
	pluginCircuits  = "botyard_plugin_circuits_open"
	pluginBlamed    = "botyard_plugin_ends_by_tenants_total"
	pluginKeptAway  = "botyard_plugin_tenants_kept_away_total"
	pluginCallbacks = "botyard_plugin_callbacks_total"
	pluginDropped   = "botyard_plugin_output_lines_dropped_total"

	tenantsHeld        = "botyard_tenants"
	tenantsInvalid     = "botyard_tenants_invalid"
	tenantsUnavailable = "botyard_tenants_unavailable"
	botsCached         = "botyard_bots_cached"
	registryLag        = "botyard_registry_lag_seconds"
	registryBehind     = "botyard_registry_lag_changes"

	logDropped = "botyard_log_lines_dropped_total"
	buildInfo  = "botyard_build_info"
)

// families are the families of this package, in the order of docs/operations.md.
var families = []Family{
	{turns, Counter, []string{"class", "outcome", "party", "tenant"}, "Turns that ended, by how: outcome is succeeded, replayed, failed, interrupted or refused; class and party are those of the error."},
	{turnDuration, Histogram, []string{"outcome", "tenant"}, "Seconds from when a turn came until it ended."},
	{firstToken, Histogram, []string{"tenant"}, "Seconds from when a turn came until the first piece of its reply, waiting included."},
	{tokens, Counter, []string{"direction", "tenant"}, "Tokens that models read (input) and wrote (output), as providers count them, of turns that failed too."},
	{passedOver, Counter, []string{"block", "class", "name", "tenant"}, "Models that did not reply, so that a turn asked the next one, by the block in the tenant's settings, the name of its plugin and the class of the error."},
	{fallbacks, Counter, []string{"block", "tenant"}, "Replies of fallbacks, by the block in the tenant's settings."},
	{turnsRunning, Gauge, nil, "Turns at work."},
	{turnsWaiting, Gauge, nil, "Turns that wait in this host for their conversation."},
	{turnsOrphaned, Gauge, nil, "Turns that have ended for their callers, and whose end the storage has not answered yet."},
	{leasesFailed, Counter, nil, "Renewals of turns' leases that failed."},

	{memoryTurns, Counter, nil, "Turns that memories were told of and have kept."},
	{memoryForgets, Counter, nil, "Deleted conversations, users and tenants that memories have forgotten."},
	{memoryFailed, Counter, nil, "Steps of memories that follow conversations that failed, and are tried again."},
	{memoryWaiting, Gauge, nil, "Tenants whose conversations this host must follow for their memories, those that pause after a failure included."},

	{requests, Counter, []string{"method", "route", "status"}, "HTTP requests that were answered, by the route's pattern; \"none\" is whatever is no route."},
	{requestDuration, Histogram, []string{"method", "route"}, "Seconds from a request to the end of its answer."},

	{pluginProcesses, Gauge, []string{"kind", "name", "state"}, "Processes of a plugin by state, as in botyard plugin list; a plugin that has none counts as one that is available or failed."},
	{pluginRestarts, Counter, []string{"kind", "name"}, "Processes of a plugin that ended and were not asked to."},
	{pluginCalls, Counter, []string{"class", "kind", "name"}, "Calls of a plugin that ended, by the class of the error; empty is well."},
	{pluginRunning, Gauge, []string{"kind", "name"}, "Calls inside a plugin, those that wait included."},
	{pluginWaiting, Gauge, []string{"kind", "name"}, "Calls that wait for a slot of a plugin or of its upstream."},
	{pluginInstances, Gauge, []string{"kind", "name"}, "Configurations that a plugin's processes hold."},
	{pluginCircuits, Gauge, []string{"kind", "name"}, "Circuit breakers that are open: upstreams that are not called for a while, for all or for one tenant."},
	{pluginBlamed, Counter, []string{"kind", "name"}, "Processes of a plugin that ended by the calls or the configuration of one tenant."},
	{pluginKeptAway, Counter, []string{"kind", "name"}, "Times that a tenant's calls began to be refused, since they ended a plugin again and again."},
	{pluginCallbacks, Counter, []string{"class", "kind", "name", "service"}, "Callbacks of a plugin to the host's services that ended or were refused: service is embed, generate or, for a method that the host does not have, none; class is that of the error."},
	{pluginDropped, Counter, []string{"kind", "name"}, "Lines of a plugin's output that were more than is logged."},

	{tenantsHeld, Gauge, nil, "Tenants in memory: those of files, and those registered that were asked for lately."},
	{tenantsInvalid, Gauge, nil, "Of these, tenants whose newest configuration is refused."},
	{tenantsUnavailable, Gauge, nil, "Of these, tenants with a valid configuration of which no bot could be built."},
	{botsCached, Gauge, nil, "Bots in the cache."},
	{registryLag, Gauge, nil, "Seconds since the registry's storage was last heard of; only with registry.storage."},
	{registryBehind, Gauge, nil, "Changes that the registry is known to have and that were not heard of; only with registry.storage."},

	{logDropped, Counter, nil, "Lines of the host's log that nobody read in time, or that could not be written."},
	{buildInfo, Gauge, []string{"go", "version"}, "1, with what the host was built from."},
}

// Families returns the families of this package, in the order of docs/operations.md.
func Families() []Family { return slices.Clone(families) }

// help returns the help text of the family with that name.
func help(name string) string {
	return families[slices.IndexFunc(families, func(f Family) bool { return f.Name == name })].Help
}

package fault

// blame is the row of a class: its name, whether the same call may succeed later
// without any change, and for each origin whose fault it is.
type blame struct {
	name      string
	retryable bool
	parties   [origins]Party
}

// everywhere is the parties of a class that is the same party's whatever its origin.
func everywhere(p Party) [origins]Party {
	var out [origins]Party
	for i := range out {
		out[i] = p
	}
	return out
}

// classes is the one table of who is to blame for what, and whether a retry helps.
//
// What a model's provider calls unknown or wrong is mostly what the tenant's settings
// name: callers send a text and choose nothing. A storage is asked for what the
// caller named. What limits calls behind a plugin is its upstream; calls that
// this process itself limits are the caller's.
var classes = map[Class]blame{
	//                                         here         any plugin   settings       model          memory       storage
	Internal:          {"internal", false, [...]Party{PartyHost, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin}},
	NotFound:          {"not_found", false, [...]Party{PartyCaller, PartyCaller, PartyTenant, PartyTenant, PartyCaller, PartyCaller}},
	Invalid:           {"invalid", false, [...]Party{PartyCaller, PartyCaller, PartyTenant, PartyTenant, PartyCaller, PartyCaller}},
	Conflict:          {"conflict", true, [...]Party{PartyCaller, PartyCaller, PartyProvider, PartyProvider, PartyCaller, PartyCaller}},
	Unauthenticated:   {"unauthenticated", false, everywhere(PartyTenant)},
	Forbidden:         {"forbidden", false, everywhere(PartyTenant)},
	RateLimited:       {"rate_limited", true, [...]Party{PartyCaller, PartyProvider, PartyProvider, PartyProvider, PartyProvider, PartyProvider}},
	QuotaExhausted:    {"quota_exhausted", false, everywhere(PartyTenant)},
	ContextTooLong:    {"context_too_long", false, [...]Party{PartyCaller, PartyCaller, PartyTenant, PartyCaller, PartyCaller, PartyCaller}},
	ContentFiltered:   {"content_filtered", false, [...]Party{PartyCaller, PartyCaller, PartyTenant, PartyCaller, PartyCaller, PartyCaller}},
	ProviderFailed:    {"provider_failed", true, everywhere(PartyProvider)},
	PluginUnavailable: {"plugin_unavailable", true, everywhere(PartyPlugin)},
	Deadline:          {"deadline", true, [...]Party{PartyProvider, PartyProvider, PartyPlugin, PartyProvider, PartyPlugin, PartyProvider}},
	Canceled:          {"canceled", true, [...]Party{PartyCaller, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin}},
	UnknownInstance:   {"unknown_instance", true, [...]Party{PartyHost, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin}},
}

// party is whose fault an error of the class is unless it says so itself. What no
// row has is internal.
func (c Class) party(from Origin) Party {
	row, ok := classes[c]
	if !ok {
		row = classes[Internal]
	}
	if from < 0 || from >= origins {
		from = OriginPlugin
	}
	return row.parties[from]
}

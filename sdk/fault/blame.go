package fault

// blame is the row of one class: the class's name, whether the same call may succeed later, and the
// party to blame for each origin.
type blame struct {
	name      string
	retryable bool
	parties   [origins]Party
}

// everywhere returns the parties of a class that blames party p for every origin.
func everywhere(p Party) [origins]Party {
	var out [origins]Party
	for i := range out {
		out[i] = p
	}
	return out
}

// classes is the table that says for each class and origin which party is to blame, and for each
// class whether a retry helps.
//
// When a model's provider reports that something is unknown or invalid, the tenant's settings are
// to blame, because callers send only a text. When a storage reports that something is unknown, the
// caller is to blame, because the caller named it. When a plugin reports a rate limit, the upstream
// is to blame. When this process itself limits calls, the caller is to blame.
var classes = map[Class]blame{
	// Each list of parties is in the order of the origins: here, any plugin, settings, model,
	// memory, storage.
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
	Unsupported:       {"unsupported", false, [...]Party{PartyCaller, PartyCaller, PartyTenant, PartyCaller, PartyCaller, PartyCaller}},
	UnknownInstance:   {"unknown_instance", true, [...]Party{PartyHost, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin, PartyPlugin}},
}

// party returns the party that is to blame for an error of the class from this origin. An unknown
// class counts as Internal.
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

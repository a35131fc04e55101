package fault

// Origin says where an error was made, as far as this process knows. It decides who is
// to blame unless the error itself says so, and who may read its message.
type Origin int

const (
	// OriginHere is of an error that this process made. Its message is for callers.
	OriginHere Origin = iota
	// OriginPlugin is of an error that a plugin answered, whatever its kind.
	OriginPlugin
	// OriginSettings is of a plugin's refusal of its configuration.
	OriginSettings
	// OriginModel is of an llm plugin's answer to a call.
	OriginModel
	// OriginMemory is of a memory plugin's answer to a call.
	OriginMemory
	// OriginStorage is of a storage plugin's answer to a call.
	OriginStorage

	origins = iota // how many there are
)

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

// From gives a copy of the error as one of that origin: blamed by the table, unless it
// says itself who is to blame. A plugin that blames the caller for credentials is not
// believed: it has seen none of the caller's.
func (e *Error) From(o Origin) *Error {
	out := *e
	out.Origin = o
	credentials := e.Class == Unauthenticated || e.Class == Forbidden
	if e.usual || e.Party <= PartyUnknown || int(e.Party) >= len(partyNames) || credentials && o != OriginHere && e.Party == PartyCaller {
		out.Party, out.usual = e.Class.party(o), true
	}
	return &out
}

// nouns are what callers know the makers of errors by.
var nouns = [origins]string{
	"the host", "the bot", "the bot", "the bot's model", "the bot's memory", "the bot's storage",
}

// ForCallers is what those are told who may call the bot and not operate it: Told, or
// of an error that was made here its own text, or else a fixed sentence. What a
// plugin or an upstream wrote is not in it.
func (e *Error) ForCallers() string {
	said := e.Told
	switch {
	case said != "":
	case e.Origin == OriginHere:
		said = e.Message
	default:
		said = e.sentence()
	}
	if path := e.PathForCallers(); path != "" {
		return path + ": " + said
	}
	return said
}

// PathForCallers is Path where callers can make something of it: a field that this
// process named, or a key of the tenant's settings. What a plugin calls a field of
// its own protocol is none of the caller's.
func (e *Error) PathForCallers() string {
	if e.Origin == OriginHere || e.Party == PartyTenant {
		return e.Path
	}
	return ""
}

// sentence is the fixed one for the class, the party and the origin.
func (e *Error) sentence() string {
	who := nouns[OriginPlugin]
	if e.Origin > OriginHere && e.Origin < origins {
		who = nouns[e.Origin]
	}
	settings := e.Party == PartyTenant
	switch e.Class {
	case NotFound:
		switch {
		case settings:
			return "the tenant's settings name something that does not exist for " + who
		case e.Party == PartyCaller:
			return who + " does not have what was asked for"
		}
	case Invalid:
		switch {
		case settings:
			return "the tenant's settings do not work with " + who
		case e.Party == PartyCaller:
			return who + " cannot take this request"
		}
	case Conflict:
		return who + " is busy with something else, or what was asked for was changed meanwhile"
	case Unauthenticated:
		return "the credentials in the tenant's settings are not accepted for " + who
	case Forbidden:
		return "the credentials in the tenant's settings do not allow this for " + who
	case RateLimited:
		return who + " takes no more calls for now"
	case QuotaExhausted:
		return "the account for " + who + " has nothing left"
	case ContextTooLong:
		return "the conversation is too long for " + who
	case ContentFiltered:
		return "the content was refused by the provider of " + who
	case PluginUnavailable, UnknownInstance:
		return who + " is not available"
	case Deadline:
		return who + " did not answer in time"
	case Canceled:
		return "the call was given up by " + who
	}
	return who + " failed"
}

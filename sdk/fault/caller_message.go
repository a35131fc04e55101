package fault

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

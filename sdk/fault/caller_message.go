package fault

// nouns are the names of the origins in texts for callers.
var nouns = [origins]string{
	"the host", "the bot", "the bot", "the bot's model", "the bot's memory", "the bot's storage",
}

// ForCallers returns the text of the error that callers may read. The text is Told if Told is set.
// Otherwise it is Message if this process made the error, or else a fixed sentence. PathForCallers
// comes before the text. The text never contains words of a plugin or an upstream.
func (e *Error) ForCallers() string {
	said := e.Told
	switch {
	case said != "":
	case e.Origin == OriginHere:
		said = e.Message
	default:
		said = e.sentence()
	}
	if path := e.PathForCallers(); len(path) > 0 {
		return path.String() + ": " + said
	}
	return said
}

// PathForCallers returns Path if a caller can use it: if this process named the field, or if Path
// is a key of the tenant's settings. Otherwise it returns an empty Path, because a caller does not
// know the fields of a plugin's protocol.
func (e *Error) PathForCallers() Path {
	if e.Origin == OriginHere || e.Party == PartyTenant {
		return e.Path
	}
	return nil
}

// sentence returns the fixed sentence for the class, the party and the origin of e.
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
	case Unsupported:
		if settings {
			return "the tenant's settings ask for something that " + who + " does not support"
		}
		return who + " does not support what was asked for"
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

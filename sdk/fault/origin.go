package fault

// Origin says where an error was made, as far as this process knows. The origin decides which party
// is to blame if the error does not say so itself. It also decides who may read the message.
type Origin int

const (
	// OriginHere is the origin of an error that this process made. Callers may read its message.
	OriginHere Origin = iota
	// OriginPlugin is the origin of an error that a plugin of any kind returned.
	OriginPlugin
	// OriginSettings is the origin of an error with which a plugin refused its configuration.
	OriginSettings
	// OriginModel is the origin of an error that an llm plugin returned from a call.
	OriginModel
	// OriginMemory is the origin of an error that a memory plugin returned from a call.
	OriginMemory
	// OriginStorage is the origin of an error that a storage plugin returned from a call.
	OriginStorage

	origins = iota // the number of origins
)

// From returns a copy of the error with this origin. If the error does not name a party, From sets
// the party from the table of classes. It also does so when a plugin blames the caller for wrong
// credentials, because a plugin never gets credentials of the caller.
func (e *Error) From(o Origin) *Error {
	out := *e
	out.Origin = o
	credentials := e.Class == Unauthenticated || e.Class == Forbidden
	if e.usual || e.Party <= PartyUnknown || int(e.Party) >= len(partyNames) || credentials && o != OriginHere && e.Party == PartyCaller {
		out.Party, out.usual = e.Class.party(o), true
	}
	return &out
}

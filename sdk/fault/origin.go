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

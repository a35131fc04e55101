package fault

// Party says who is to blame for a failure.
type Party int

const (
	PartyUnknown  Party = iota
	PartyCaller         // the sender of the request
	PartyTenant         // the tenant's configuration
	PartyProvider       // the upstream service behind a plugin
	PartyPlugin
	PartyHost
)

var partyNames = [...]string{"unknown", "caller", "tenant", "provider", "plugin", "host"}

func (p Party) String() string {
	if p < 0 || int(p) >= len(partyNames) {
		return partyNames[0]
	}
	return partyNames[p]
}

package fault

// Party says whose fault a failure is.
type Party int

const (
	PartyUnknown  Party = iota
	PartyCaller         // who sent the request
	PartyTenant         // the tenant's configuration
	PartyProvider       // the upstream service behind a plugin
	PartyPlugin         // the plugin itself
	PartyHost           // the host
)

var partyNames = [...]string{"unknown", "caller", "tenant", "provider", "plugin", "host"}

func (p Party) String() string {
	if p < 0 || int(p) >= len(partyNames) {
		return partyNames[0]
	}
	return partyNames[p]
}

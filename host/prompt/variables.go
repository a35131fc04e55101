package prompt

import (
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
)

// MetadataPrefix begins the name of a variable that stands for a key of the request's metadata.
const MetadataPrefix = "metadata."

// turnVariable is a variable for something that the host knows of every turn.
type turnVariable struct {
	name    string
	longest int // the greatest size of its value in bytes
	value   func(Turn) string
	// varies reports whether the next turn of the same conversation probably has another value.
	varies func(shared bool) bool
}

func never(bool) bool  { return false }
func always(bool) bool { return true }

// turnVariables lists the variables of the group "turn". A day is long beside the few minutes for
// which a provider keeps a prompt in its cache, so that a date does not count as varying.
var turnVariables = []turnVariable{
	{"turn.conversation", sdk.MaxIDBytes, func(t Turn) string { return t.Conversation }, never},
	{"turn.date", len(time.DateOnly), func(t Turn) string { return t.Time.Format(time.DateOnly) }, never},
	{"turn.tenant", bounds.TenantIDBytes, func(t Turn) string { return t.Tenant }, never},
	{"turn.time", len("15:04"), func(t Turn) string { return t.Time.Format("15:04") }, always},
	{"turn.timezone", bounds.TimezoneBytes, func(t Turn) string { return t.Time.Location().String() }, never},
	{"turn.user", sdk.MaxIDBytes, func(t Turn) string { return t.User }, func(shared bool) bool { return shared }},
	{"turn.weekday", len(time.Wednesday.String()), func(t Turn) string { return t.Time.Weekday().String() }, never},
}

// Turn is what the variables of a turn stand for.
type Turn struct {
	Tenant, User, Conversation string
	Time                       time.Time // in the zone of the tenant
}

// TurnVariables returns the names of the variables of the group "turn", sorted.
func TurnVariables() []string {
	names := make([]string, len(turnVariables))
	for i, v := range turnVariables {
		names[i] = v.name
	}
	return names
}

func findTurnVariable(name string) (turnVariable, bool) {
	i := slices.IndexFunc(turnVariables, func(v turnVariable) bool { return v.name == name })
	if i < 0 {
		return turnVariable{}, false
	}
	return turnVariables[i], true
}

// IsTurnVariable reports whether the name is one of TurnVariables.
func IsTurnVariable(name string) bool {
	_, ok := findTurnVariable(name)
	return ok
}

// MetadataKey returns the key of the metadata that the variable stands for. It returns false for
// other variables.
func MetadataKey(name string) (string, bool) { return strings.CutPrefix(name, MetadataPrefix) }

// LongestValue returns the greatest size of a variable's value in bytes. It is the size of
// {{name}} for a name that is neither of a turn nor of its metadata, and 0 for an empty name.
func LongestValue(name string) int {
	if v, ok := findTurnVariable(name); ok {
		return v.longest
	}
	if _, ok := MetadataKey(name); ok {
		return bounds.PromptMetadataBytes
	}
	if name == "" {
		return 0
	}
	return len(opens + name + "}}")
}

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

// turnVariable is a variable of the group "turn": the host knows its value in every turn.
type turnVariable struct {
	name    string
	longest int // the greatest size of its value in bytes
	value   func(Turn) string
	// varies reports whether the next turn of the same conversation probably has another value. shared
	// is the field Shared of the turn's Request.
	varies func(shared bool) bool
}

func never(bool) bool  { return false }
func always(bool) bool { return true }

// turnVariables lists the variables of the group "turn", sorted by name. A date does not count as
// varying: it changes once a day, and a provider keeps a prompt in its cache for a few minutes.
var turnVariables = []turnVariable{
	{"turn.conversation", sdk.MaxIDBytes, func(t Turn) string { return t.Conversation }, never},
	{"turn.date", len(time.DateOnly), func(t Turn) string { return t.Time.Format(time.DateOnly) }, never},
	{"turn.tenant", bounds.TenantIDBytes, func(t Turn) string { return t.Tenant }, never},
	{"turn.time", len("15:04"), func(t Turn) string { return t.Time.Format("15:04") }, always},
	{"turn.timezone", bounds.TimezoneBytes, func(t Turn) string { return t.Time.Location().String() }, never},
	{"turn.user", sdk.MaxIDBytes, func(t Turn) string { return t.User }, func(shared bool) bool { return shared }},
	{"turn.weekday", len(time.Wednesday.String()), func(t Turn) string { return t.Time.Weekday().String() }, never},
}

// Turn has what the variables of the group "turn" stand for.
type Turn struct {
	Tenant, User, Conversation string
	Time                       time.Time // in the time zone that {{turn.date}} and {{turn.time}} show
}

// TurnVariables returns the names of the variables of the group "turn", sorted.
func TurnVariables() []string {
	names := make([]string, len(turnVariables))
	for i, v := range turnVariables {
		names[i] = v.name
	}
	return names
}

// findTurnVariable returns the variable of the group "turn" with the name. It returns false if there is
// none.
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

// LongestValue returns the greatest size of a variable's value in bytes. For a name that is neither in
// the group "turn" nor in the group "metadata" it returns the size of {{name}}, because such a variable
// stays in the prompt. For an empty name it returns 0.
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

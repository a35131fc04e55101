package registry

import "github.com/botyard/botyard/host/bot"

// admissions keeps the bot.Admission of tenants that are gone, until it is idle. A tenant
// that comes back within that time still has the turns that are at work, and has still used
// its turns of the minute. It is guarded by the table's mu. The zero value is empty and ready.
type admissions struct {
	gone    map[string]*bot.Admission // by tenant
	sweepAt int                       // how many are kept before idle ones are looked for
}

// admissionsKept is how many are kept, at least, before idle ones are looked for. An
// admission is idle within a minute of its last turn.
const admissionsKept = 1024

// take returns the admission of a tenant that comes.
func (a *admissions) take(id string) *bot.Admission {
	kept := a.gone[id]
	if kept == nil {
		return &bot.Admission{}
	}
	delete(a.gone, id)
	return kept
}

// keep takes the admission of a tenant that goes.
func (a *admissions) keep(id string, admission *bot.Admission) {
	if admission.Idle() {
		return
	}
	if a.gone == nil {
		a.gone = map[string]*bot.Admission{}
	}
	a.gone[id] = admission
	if len(a.gone) >= max(a.sweepAt, admissionsKept) {
		a.sweep()
		a.sweepAt = 2 * len(a.gone) // so that few are looked at more than once
	}
}

// sweep drops those that are idle.
func (a *admissions) sweep() {
	for id, admission := range a.gone {
		if admission.Idle() {
			delete(a.gone, id)
		}
	}
}

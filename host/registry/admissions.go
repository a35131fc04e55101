package registry

import "github.com/botyard/botyard/host/bot"

// admissions keeps the bot.Admission of each tenant that left the table, until it is idle. If
// the tenant comes back before, its running turns and its turns of the last minute still count
// against its limits. It is guarded by the table's mu. The zero value is empty and ready.
type admissions struct {
	gone    map[string]*bot.Admission // by tenant
	sweepAt int                       // how many are kept before keep looks for idle ones
}

// admissionsKept is how many are kept at least before keep looks for idle ones. An
// admission is idle within a minute of its last turn.
const admissionsKept = 1024

// take returns the admission of a tenant that enters the table: the kept one, or a new one.
func (a *admissions) take(id string) *bot.Admission {
	kept := a.gone[id]
	if kept == nil {
		return &bot.Admission{}
	}
	delete(a.gone, id)
	return kept
}

// keep keeps the admission of a tenant that leaves the table, unless it is idle.
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
		a.sweepAt = 2 * len(a.gone) // so that most are examined only once
	}
}

// sweep drops the idle admissions.
func (a *admissions) sweep() {
	for id, admission := range a.gone {
		if admission.Idle() {
			delete(a.gone, id)
		}
	}
}

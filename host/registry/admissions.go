package registry

import "github.com/botyard/botyard/host/bot"

// admissions keeps the bot.Admission of each tenant that has left the tenantTable, until the
// Admission is idle. If the tenant comes back earlier, its running turns and its turns of the
// last minute still count against its limits. admissions is guarded by tenantTable.mu. The zero
// value is empty and ready.
type admissions struct {
	gone    map[string]*bot.Admission // Admissions of tenants that have left the tenantTable, by tenant id
	sweepAt int                       // number of entries of gone at which keep sweeps next
}

// admissionsKept is the number of stored Admissions below which keep does not sweep. An
// Admission becomes idle within a minute after its last turn.
const admissionsKept = 1024

// take removes and returns the Admission that keep has stored for the tenant. If there is none,
// take returns a new Admission.
func (a *admissions) take(id string) *bot.Admission {
	kept := a.gone[id]
	if kept == nil {
		return &bot.Admission{}
	}
	delete(a.gone, id)
	return kept
}

// keep stores the Admission of a tenant that leaves the tenantTable, unless the Admission is
// idle.
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
		a.sweepAt = 2 * len(a.gone) // the limit grows with gone, so that most calls do not sweep
	}
}

// sweep deletes the idle Admissions.
func (a *admissions) sweep() {
	for id, admission := range a.gone {
		if admission.Idle() {
			delete(a.gone, id)
		}
	}
}

package registry

import "github.com/botyard/botyard/host/bot"

// gates keeps the admission of tenants that are gone, as long as it knows something: a
// tenant that comes back has the turns that are still at work, and what it used of its
// minute. It is used under the Registry's lock. The zero value is ready.
type gates struct {
	left   map[string]*bot.Admission // of tenants that are gone, by id
	enough int                       // when to look for those that know nothing any more
}

// gatesKept is how many are kept before those that know nothing any more are looked for.
// A gate forgets within a minute of its last turn.
const gatesKept = 1024

// take gives the gate of a tenant that comes.
func (g *gates) take(id string) *bot.Admission {
	gate := g.left[id]
	if gate == nil {
		return &bot.Admission{}
	}
	delete(g.left, id)
	return gate
}

// keep is told the gate of a tenant that goes.
func (g *gates) keep(id string, gate *bot.Admission) {
	if gate.Idle() {
		return
	}
	if g.left == nil {
		g.left = map[string]*bot.Admission{}
	}
	g.left[id] = gate
	if len(g.left) >= max(g.enough, gatesKept) {
		g.sweep()
		g.enough = 2 * len(g.left) // what is looked at again has doubled
	}
}

// sweep drops what knows nothing any more.
func (g *gates) sweep() {
	for id, gate := range g.left {
		if gate.Idle() {
			delete(g.left, id)
		}
	}
}

// insertTenant puts a tenant in. The caller holds mu.
func (r *Registry) insertTenant(t *tenant) {
	t.gate = r.gates.take(t.id)
	r.tenants[t.id] = t
	r.setErrLocked(t, t.err)
}

// deleteTenant takes a tenant out. The caller holds mu.
func (r *Registry) deleteTenant(t *tenant) {
	delete(r.tenants, t.id)
	delete(r.invalid, t)
	r.gates.keep(t.id, t.gate)
}

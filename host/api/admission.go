package api

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/quota"
	"github.com/botyard/botyard/sdk/fault"
)

// class says what the requests of a route do. Each class has slots of its own, so that
// no flood of one keeps another from being answered; the slots of a class are shared by
// tenants, see package quota.
type class int

const (
	probes     class = iota // have no bound: a flood must not look like a host that is down
	turns                   // turns of a tenant
	reads                   // of a tenant's conversations
	deletions               // of a conversation
	adminReads              // of admins
	adminActs               // changes of admins
	exports
	imports
	sweeps  // erasures and purges
	scrapes // of metrics
)

// admission decides which requests are at work at once, and how many bytes are held for
// them. It is the only place that does.
type admission struct {
	slots   map[class]*quota.Pool
	bodies  map[access]*quota.Pool // bytes of bodies, by who sends them
	answers map[access]*quota.Pool // bytes of answers, by who reads them
}

func newAdmission(h Host) *admission {
	fixed := func(what string, s bounds.Slots) *quota.Pool {
		b := quota.Bounds(s)
		return quota.NewPool(what, func() quota.Bounds { return b })
	}
	bytes := func(what string, b quota.Bounds, all func() int64) *quota.Pool {
		return quota.NewPool(what, func() quota.Bounds {
			now := b
			now.All = all()
			now.Each = now.All
			return now
		})
	}
	constant := func(n int64) func() int64 { return func() int64 { return n } }
	waits := func(s bounds.Slots, wait time.Duration) quota.Bounds {
		return quota.Bounds{WaitingEach: int(s.Each), WaitingAll: int(s.All), Wait: wait}
	}
	return &admission{
		slots: map[class]*quota.Pool{
			turns: quota.NewPool("turns asked for", func() quota.Bounds {
				n := int64(cmp.Or(h.Settings().HTTP.Connections, bounds.DefaultConnections)) * 7 / 8
				return quota.Bounds{Each: n, All: n}
			}),
			reads:      fixed("reads at work", bounds.ReadSlots),
			deletions:  fixed("deletions at work", bounds.DeletionSlots),
			adminReads: fixed("reads of admins at work", bounds.AdminReadSlots),
			adminActs:  fixed("acts of admins at work", bounds.AdminActSlots),
			exports:    fixed("exports at work", bounds.ExportSlots),
			imports:    fixed("imports at work", bounds.ImportSlots),
			sweeps:     fixed("erasures and purges at work", bounds.SweepSlots),
			scrapes:    fixed("requests for metrics at work", bounds.ScrapeSlots),
		},
		bodies: map[access]*quota.Pool{
			forGateways: bytes("bytes of bodies", quota.Bounds{}, func() int64 { return cmp.Or(h.Settings().HTTP.BodyBytes, bounds.DefaultBodyBytes) }),
			forAdmins:   bytes("bytes of bodies", quota.Bounds{}, constant(bounds.AdminBodyBytes)),
		},
		answers: map[access]*quota.Pool{
			forGateways: bytes("bytes of answers", waits(bounds.ReadSlots, 5*time.Second), func() int64 { return cmp.Or(h.Settings().HTTP.AnswerBytes, bounds.DefaultAnswerBytes) }),
			forAdmins:   bytes("bytes of answers", waits(bounds.AdminReadSlots, 10*time.Second), constant(bounds.AdminAnswerBytes)),
		},
	}
}

// admitted has h answer requests that get a slot of the route's class. Whose slot it is
// stands in the header or the path: that is known before a body is read.
func (s *Server) admitted(pattern string, c class, h handler) handler {
	pool := s.admission.slots[c]
	who := accessOf(pattern)
	return func(w http.ResponseWriter, r *http.Request) error {
		if who == forGateways {
			if err := s.connections.checkSpare(r); err != nil {
				w.Header().Set("Connection", "close")
				return err
			}
		}
		name, err := payer(pattern, r)
		if err != nil {
			return err
		}
		if x, ok := w.(*exchange); ok {
			x.payer, x.bodies, x.answers = name, s.admission.bodies[who], s.admission.answers[who]
		}
		if pool == nil {
			return h(w, r)
		}
		slot, err := pool.Take(r.Context(), name, 1)
		if err != nil {
			return err
		}
		defer slot.Release()
		return h(w, r)
	}
}

// payer is the tenant that the request is counted for; empty for one that names none.
func payer(pattern string, r *http.Request) (string, error) {
	switch {
	case accessOf(pattern) == forGateways:
		id := r.Header.Get(tenantHeader)
		if id == "" {
			return "", malformed(tenantHeader, "is missing; expected the tenant's id")
		}
		return id, checkTenantID(tenantHeader, id)
	case strings.Contains(pattern, "{id}"):
		id := r.PathValue("id")
		return id, checkTenantID("id", id)
	}
	return "", nil
}

// checkFields refuses a request with too many headers.
func checkFields(h http.Header) error {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	if n <= bounds.HeaderFields {
		return nil
	}
	return withStatus(http.StatusRequestHeaderFieldsTooLarge,
		fault.New(fault.Invalid, "the request has %d headers; at most %d are taken", n, bounds.HeaderFields).By(fault.PartyCaller))
}

package api

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
)

// slotClass groups routes with the same kind of work. Each class has its own slots, so that many
// requests of one class leave slots for other classes. Tenants share the slots of a class fairly,
// as package fairshare describes.
type slotClass int

const (
	probeSlots      slotClass = iota // no limit, because a host with too many requests must not look like a failed host
	turnSlots                        // turns of a tenant's users
	readSlots                        // reads of a tenant's conversations
	deletionSlots                    // deletions of a conversation
	branchSlots                      // copies of a conversation
	adminReadSlots                   // reads by the operator
	adminWriteSlots                  // changes by the operator
	exportSlots                      // exports of a tenant
	importSlots                      // imports of a tenant
	sweepSlots                       // erasures and purges of a tenant
	checkSlots                       // checks of a tenant's instances
	scrapeSlots                      // requests for metrics
)

// requestLimits limits how many requests run at once, and how many bytes the host holds for their
// bodies and answers.
type requestLimits struct {
	slots   map[slotClass]*fairshare.Pool
	bodies  map[caller]*fairshare.Pool // bytes of request bodies, by caller
	answers map[caller]*fairshare.Pool // bytes of answers, by caller
}

// newRequestLimits returns the limits of package bounds and of the host's settings. Each request
// uses the current settings.
func newRequestLimits(h Host) *requestLimits {
	fixed := func(what string, s bounds.Slots) *fairshare.Pool {
		b := fairshare.Bounds(s)
		return fairshare.NewPool(what, func() fairshare.Bounds { return b })
	}
	bytes := func(what string, b fairshare.Bounds, all func() int64) *fairshare.Pool {
		return fairshare.NewPool(what, func() fairshare.Bounds {
			now := b
			now.All = all()
			now.Each = now.All
			return now
		})
	}
	constant := func(n int64) func() int64 { return func() int64 { return n } }
	waits := func(s bounds.Slots, wait time.Duration) fairshare.Bounds {
		return fairshare.Bounds{WaitingEach: int(s.Each), WaitingAll: int(s.All), Wait: wait}
	}
	return &requestLimits{
		slots: map[slotClass]*fairshare.Pool{
			turnSlots: fairshare.NewPool("turns asked for", func() fairshare.Bounds {
				n := int64(cmp.Or(h.Settings().HTTP.Connections, bounds.DefaultConnections)) * 7 / 8
				return fairshare.Bounds{Each: n, All: n}
			}),
			readSlots:       fixed("reads at work", bounds.ReadSlots),
			deletionSlots:   fixed("deletions at work", bounds.DeletionSlots),
			branchSlots:     fixed("branches at work", bounds.BranchSlots),
			adminReadSlots:  fixed("reads of admins at work", bounds.AdminReadSlots),
			adminWriteSlots: fixed("changes of admins at work", bounds.AdminWriteSlots),
			exportSlots:     fixed("exports at work", bounds.ExportSlots),
			importSlots:     fixed("imports at work", bounds.ImportSlots),
			sweepSlots:      fixed("erasures and purges at work", bounds.SweepSlots),
			checkSlots:      fixed("checks at work", bounds.CheckSlots),
			scrapeSlots:     fixed("requests for metrics at work", bounds.ScrapeSlots),
		},
		bodies: map[caller]*fairshare.Pool{
			gatewayCaller: bytes("bytes of bodies", fairshare.Bounds{}, func() int64 { return cmp.Or(h.Settings().HTTP.BodyBytes, bounds.DefaultBodyBytes) }),
			adminCaller:   bytes("bytes of bodies", fairshare.Bounds{}, constant(bounds.AdminBodyBytes)),
		},
		answers: map[caller]*fairshare.Pool{
			gatewayCaller: bytes("bytes of answers", waits(bounds.ReadSlots, 5*time.Second), func() int64 { return cmp.Or(h.Settings().HTTP.AnswerBytes, bounds.DefaultAnswerBytes) }),
			adminCaller:   bytes("bytes of answers", waits(bounds.AdminReadSlots, 10*time.Second), constant(bounds.AdminAnswerBytes)),
		},
	}
}

// limited returns a handler that runs h while it holds a slot of the class c. The slot counts for
// the tenant in the header or the path, so the handler can take the slot before it reads the body.
func (s *Server) limited(pattern string, c slotClass, h handler) handler {
	pool := s.limits.slots[c]
	who := requiredCaller(pattern)
	return func(w http.ResponseWriter, r *http.Request) error {
		if who == gatewayCaller {
			if err := s.connections.checkSpare(r); err != nil {
				w.Header().Set("Connection", "close")
				return err
			}
		}
		tenant, err := chargedTenant(pattern, r)
		if err != nil {
			return err
		}
		if x, ok := w.(*exchange); ok {
			x.chargedTenant, x.bodies, x.answers = tenant, s.limits.bodies[who], s.limits.answers[who]
		}
		if pool == nil {
			return h(w, r)
		}
		slot, err := pool.Acquire(r.Context(), tenant, 1)
		if err != nil {
			return err
		}
		defer slot.Release()
		return h(w, r)
	}
}

// chargedTenant returns the tenant whose share of the limits the request uses, or "" if the route
// names no tenant.
func chargedTenant(pattern string, r *http.Request) (string, error) {
	switch {
	case requiredCaller(pattern) == gatewayCaller:
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

package plugins

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/hashicorp/go-hclog"
)

// Spec says which instance is wanted.
type Spec struct {
	Kind, Name string
	// Tenant is whom the instance is for. Instances of plugins that are not isolated
	// by tenant are shared by all tenants that have the same configuration.
	Tenant string
	// Block is the key of the configuration block in its document, dotted. Faults of the
	// tenant's settings name their key by it; empty leaves them as the plugin named them.
	Block string
	// Config is the plugin's configuration block as a JSON object, checked against its
	// schema, with all references and secrets resolved.
	Config []byte
	// Egress says where the instance may connect to; the zero value is everywhere. A plugin
	// that cannot enforce such a rule can only have the zero value.
	Egress egress.Policy
	// Secrets are the secrets in Config. They are redacted in everything that plugins say.
	// Passwords in URLs are found without being listed here.
	Secrets []string
}

// instance is one configuration of a plugin, shared by all who opened it. The fields above
// holders are constant or have locks of their own.
type instance struct {
	sup         *supervisor
	digest      string
	config      []byte
	egress      egress.Policy
	dropSecrets func() // ends the redaction of its secrets; called once it is released
	// As of the last configuring.
	needs    atomic.Pointer[memory.Needs]
	capacity atomic.Pointer[admission.Capacity]

	breaker *admission.Breaker // nil for kinds without an upstream

	// Under the manager's lock.
	holders         int
	tenants         map[string]int // holders by tenant
	backgroundTasks int            // how many of the holders are background tasks
	timer           *time.Timer    // calls release when nobody has held the instance for a while
	heldBy          string         // the tenant that took it last
	several         bool           // others held it before
	idleSince       time.Time
	releasing       chan struct{} // not nil while being released; closed after
}

// Instance is a hold on an instance. Close gives it back; calls that began before that go
// on.
type Instance struct {
	*instance
	m      *Manager
	block  string
	tenant string
	closed atomic.Bool
	once   sync.Once

	background bool // its calls are made in the background
}

// Open returns a hold on the instance of the configuration, and makes the instance if there
// is none. When it returns, the plugin has taken the configuration; an upstream may still be
// down. Equal configurations have the same instance. Close must be called.
func (m *Manager) Open(ctx context.Context, spec Spec) (*Instance, error) {
	in, err := m.hold(ctx, spec)
	if err != nil {
		return nil, err
	}
	h := &Instance{instance: in, m: m, block: spec.Block, tenant: spec.Tenant}
	if err := in.makeCall(ctx, callOptions{tenant: spec.Tenant, unqueued: true, unbounded: true}, nothing); err != nil {
		h.Close()
		return nil, h.withKey(err)
	}
	return h, nil
}

// nothing is a call that ends once the instance is configured.
func nothing(context.Context, target) error { return nil }

// hold finds or makes the instance, and counts a holder, which unhold counts out. It waits
// while the same instance is being released.
func (m *Manager) hold(ctx context.Context, spec Spec) (*instance, error) {
	r := discovery.Ref{Kind: spec.Kind, Name: spec.Name}
	at := place{Ref: r}
	if m.fixIsolation(r) == isolationTenant {
		if spec.Tenant == "" {
			return nil, fault.New(fault.Internal, "the %s is isolated by tenant, and no tenant was named", r)
		}
		at.scope = spec.Tenant
	}
	digest := m.digest(at, spec.Config, spec.Egress)
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		b, err := m.findLocked(r)
		if err != nil {
			if b = m.runningOfRefusedLocked(at); b == nil {
				return nil, err
			}
		}
		in, ok := m.instances[digest]
		if ok && in.releasing != nil {
			// The plugin must get Release before it gets Configure again.
			released := in.releasing
			m.mu.Unlock()
			select {
			case <-released:
			case <-ctx.Done():
			}
			m.mu.Lock()
			if err := ctx.Err(); err != nil {
				return nil, fault.Of(err)
			}
			continue
		}
		idle, err := m.checkLimitLocked(r, spec.Tenant, in)
		if idle != nil {
			m.mu.Unlock()
			m.release(idle)
			m.mu.Lock()
			if err := ctx.Err(); err != nil {
				return nil, fault.Of(err)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			m.counts[r]++
			in = &instance{dropSecrets: m.sanitizer.Keep(secretsOf(spec)...), sup: m.useLocked(at, b), digest: digest, config: spec.Config, egress: spec.Egress, tenants: map[string]int{}}
			in.breaker = admission.NewBreaker(admission.BreakerOptions{Kind: r.Kind, Plugin: r.String(), Log: in.log})
			m.instances[digest] = in
		}
		in.holdLocked(spec.Tenant)
		m.noteHeldLocked(in, spec.Tenant)
		return in, nil
	}
}

// upstreamCapacity returns how many calls the instance's upstream takes at once, as far as
// that is known.
func (in *instance) upstreamCapacity() admission.Capacity {
	if c := in.capacity.Load(); c != nil {
		return *c
	}
	return admission.Capacity{}
}

// log returns the log of the supervisor with the instance's name.
func (in *instance) log() hclog.Logger { return in.sup.log.With("instance", in.id(in.sup.sum())) }

// digest returns an identifier of a configuration and the rule for its connections. Neither
// can be derived from it, because it is keyed.
func (m *Manager) digest(at place, config []byte, rule egress.Policy) string {
	h := hmac.New(sha256.New, m.digestKey)
	for _, part := range [][]byte{[]byte(at.Kind), []byte(at.Name), []byte(at.scope), config, []byte(rule.String())} {
		// With its length, so that no two lists of parts are written alike.
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// id returns the name of the instance in a process of the binary with that checksum. Each
// version of a plugin has instances of its own.
func (in *instance) id(sum string) string {
	h := sha256.Sum256([]byte(sum + "/" + in.digest))
	return "i-" + hex.EncodeToString(h[:12])
}

// holdLocked counts a holder in. Locked: the manager's mu is held.
func (in *instance) holdLocked(tenant string) {
	in.stopTimerLocked()
	if in.holders++; in.holders == 1 {
		in.sup.active.Add(1)
	}
	in.tenants[tenant]++
}

// stopTimerLocked cancels the release that the timer would make. Locked: the manager's mu is
// held.
func (in *instance) stopTimerLocked() {
	if in.timer != nil {
		in.timer.Stop()
		in.timer = nil
	}
}

// Close gives the instance back. The plugin drops it once nobody has held it for a while.
// Later calls of Close do nothing.
func (i *Instance) Close() {
	i.once.Do(func() {
		i.closed.Store(true)
		i.m.unhold(i.instance, i.tenant)
	})
}

// ID returns the name of the instance in the plugin's process and in logs.
func (i *Instance) ID() string { return i.id(i.sup.sum()) }

// Plugin returns the name and the version of the plugin as it runs now.
func (i *Instance) Plugin() PluginRef {
	return PluginRef{i.sup.ref.Kind, i.sup.ref.Name, i.sup.lastInfo().GetVersion()}
}

// unhold counts a holder out. The last one starts the timer to the release.
func (m *Manager) unhold(in *instance, tenant string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if in.tenants[tenant]--; in.tenants[tenant] == 0 {
		delete(in.tenants, tenant)
	}
	if in.holders--; in.holders > 0 {
		if in.tenants[tenant] == 0 {
			in.several = true
			m.noteLeftLocked(in, tenant)
		}
		return
	}
	in.idleSince = time.Now()
	if in.several || in.heldBy != tenant {
		// While nobody holds an instance that several tenants shared, it counts for none of
		// them.
		in.several = true
		m.noteLeftLocked(in, tenant)
	}
	in.sup.active.Add(-1)
	// An exclusive plugin may keep state in the instance that is nowhere else.
	if m.closing || in.sup.lastInfo().GetExclusive() {
		return
	}
	in.timer = time.AfterFunc(m.opts.IdleRelease, func() { m.release(in) })
}

// release asks the plugin to drop an instance that nobody holds. It does nothing if somebody
// holds it again.
func (m *Manager) release(in *instance) {
	m.mu.Lock()
	if in.holders > 0 || in.releasing != nil || m.closing {
		m.mu.Unlock()
		return
	}
	in.releasing = make(chan struct{})
	m.tasks.Add(1)
	m.mu.Unlock()
	defer m.tasks.Done()
	in.sup.release(in)
	in.dropSecrets()
	m.mu.Lock()
	delete(m.instances, in.digest)
	m.noteLeftLocked(in, in.heldBy)
	if m.counts[in.sup.ref]--; m.counts[in.sup.ref] == 0 {
		delete(m.counts, in.sup.ref)
	}
	close(in.releasing)
	m.mu.Unlock()
	m.unuse(in.sup)
}

// instancesOf returns the supervisor's instances that somebody holds.
func (m *Manager) instancesOf(s *supervisor) []*instance {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*instance
	for _, in := range m.instances {
		if in.sup == s && in.holders > 0 {
			out = append(out, in)
		}
	}
	return out
}

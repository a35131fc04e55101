package plugins

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/hashicorp/go-hclog"
)

// Spec says which instance Open opens.
type Spec struct {
	Kind, Name string
	// Tenant is the tenant that uses the instance. If the plugin is not isolated by tenant,
	// all tenants with the same configuration share an instance.
	Tenant string
	// Block is the path of the configuration block in the tenant's document. An error
	// that blames a key of the tenant's settings names the key with Block in front. If
	// Block is empty, the error names the key as the plugin does.
	Block fault.Path
	// Config is the plugin's configuration block as a JSON object. It must be valid against
	// the plugin's schema, with all references and secrets resolved.
	Config []byte
	// Egress says where the instance may connect to. The zero value allows every address.
	// Open returns an error for another value if the plugin cannot enforce egress policies.
	Egress egress.Policy
	// Role is the role under which the outer plugin calls a nested plugin. It is empty for
	// a plugin that is not nested.
	Role string
	// Nested has the specs of the nested plugins, at most one for each role. Open opens
	// their instances too, and Close of the hold closes them.
	Nested []Spec
	// Secrets are the secrets in Config. The host redacts them in all texts of plugins.
	// Passwords in URLs need not be listed, because the host finds them itself.
	Secrets []string
}

// instance is one configuration of a plugin, which all Instances with this configuration
// share. The fields above holders are constant or safe for concurrent use.
type instance struct {
	sup         *supervisor
	digest      string
	config      []byte
	egress      egress.Policy
	roles       []string // the roles of the nested plugins, sorted
	dropSecrets func()   // ends the redaction of the instance's secrets; called once, after the release
	// needs, traits and capacity are what the plugin stated when it last configured the instance.
	needs    atomic.Pointer[memory.Needs]
	traits   atomic.Pointer[sdk.LLMTraits]
	capacity atomic.Pointer[admission.Capacity]
	lastID   atomic.Pointer[instanceID] // the newest result of id, kept because every turn calls id

	breaker *admission.Breaker // nil for kinds without an upstream

	// Manager.mu guards the following fields.
	holders         int
	tenants         map[string]int // the number of holders of each tenant
	backgroundTasks int            // how many of the holders are background tasks
	timer           *time.Timer    // calls Manager.release after Options.IdleRelease without a holder
	heldBy          string         // the tenant that took a hold last
	several         bool           // whether another tenant took a hold before heldBy
	idleSince       time.Time
	releasing       chan struct{} // nil until the release begins; closed when the release is done
}

// Instance is a caller's hold on an instance. Close releases the hold. Calls that began
// before Close continue.
type Instance struct {
	*instance
	m      *Manager
	block  fault.Path
	tenant string
	closed atomic.Bool
	once   sync.Once
	// nested has the holds on the nested plugins, and services has the same for calls of the
	// plugin, by role. Both are nil if there are no nested plugins.
	nested   map[string]*Instance
	services map[string]services.Nested

	background bool // whether the calls of this hold are background calls
}

// Open returns a hold on the instance with the configuration of spec, and creates the
// instance if there is none. It does the same for nested plugins, before the outer plugin. When Open returns, the plugin has accepted the configuration,
// but an upstream may still be unreachable. Holds with equal configurations share an
// instance. The caller must call Close of the hold.
func (m *Manager) Open(ctx context.Context, spec Spec) (*Instance, error) {
	in, err := m.hold(ctx, spec)
	if err != nil {
		return nil, err
	}
	h := &Instance{instance: in, m: m, block: spec.Block, tenant: spec.Tenant}
	for _, nested := range spec.Nested {
		n, err := m.openNested(ctx, nested)
		if err != nil {
			h.Close()
			return nil, err
		}
		if h.nested == nil {
			h.nested, h.services = map[string]*Instance{}, map[string]services.Nested{}
		}
		h.nested[nested.Role], h.services[nested.Role] = n, nestedCaller{n}
	}
	if err := in.makeCall(ctx, callOptions{tenant: spec.Tenant, unqueued: true, unbounded: true}, nothing); err != nil {
		h.Close()
		return nil, h.withKey(err)
	}
	return h, nil
}

// nothing is a send function that returns at once. A call with it only configures the
// instance.
func nothing(context.Context, target) error { return nil }

// hold returns the instance with the configuration of spec, and creates it if there is
// none. It counts a holder, which the caller ends with unhold. If the instance is being
// released, hold waits for the end of the release.
func (m *Manager) hold(ctx context.Context, spec Spec) (*instance, error) {
	r := discovery.Ref{Kind: spec.Kind, Name: spec.Name}
	at := place{Ref: r}
	if m.fixIsolation(r) == isolationTenant {
		if spec.Tenant == "" {
			return nil, fault.New(fault.Internal, "the %s is isolated by tenant, and no tenant was named", r)
		}
		at.scope = spec.Tenant
	}
	digest := m.digest(at, spec)
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
			// The plugin must receive Release before it receives the next Configure.
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
			in = &instance{dropSecrets: m.sanitizer.Keep(secretsOf(spec)...), sup: m.useLocked(at, b), digest: digest, config: spec.Config, egress: spec.Egress, roles: rolesOf(spec), tenants: map[string]int{}}
			in.breaker = admission.NewBreaker(admission.BreakerOptions{Kind: r.Kind, Plugin: r.String(), Log: in.log})
			m.instances[digest] = in
		}
		in.holdLocked(spec.Tenant)
		m.noteHeldLocked(in, spec.Tenant)
		return in, nil
	}
}

// rolesOf returns the roles of the nested plugins, sorted.
func rolesOf(spec Spec) []string {
	var roles []string
	for _, n := range spec.Nested {
		roles = append(roles, n.Role)
	}
	slices.Sort(roles)
	return roles
}

// upstreamCapacity returns the capacity of the instance's upstream, or the zero value
// before the plugin has stated the capacity.
func (in *instance) upstreamCapacity() admission.Capacity {
	if c := in.capacity.Load(); c != nil {
		return *c
	}
	return admission.Capacity{}
}

// log returns the supervisor's log with the name of the instance.
func (in *instance) log() hclog.Logger { return in.sup.log.With("instance", in.id(in.sup.sum())) }

// digest returns an identifier of a configuration, its egress policy and its nested
// plugins. None of them can be derived from the digest, because the digest is keyed. An
// instance may store what its nested plugins returned, so that another configuration of a
// nested plugin makes another instance.
func (m *Manager) digest(at place, spec Spec) string {
	h := hmac.New(sha256.New, m.digestKey)
	parts := [][]byte{[]byte(at.Kind), []byte(at.Name), []byte(at.scope), spec.Config, []byte(spec.Egress.String())}
	for _, n := range spec.Nested {
		nested := m.digest(place{Ref: discovery.Ref{Kind: n.Kind, Name: n.Name}}, n)
		parts = append(parts, []byte(n.Role), []byte(nested))
	}
	for _, part := range parts {
		// The length makes sure that different lists of parts have different encodings.
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// id returns the name of the instance in a process of the binary with the checksum sum.
// Each version of a plugin has different instance names.
func (in *instance) id(sum string) string {
	if last := in.lastID.Load(); last != nil && last.sum == sum {
		return last.id
	}
	h := sha256.Sum256([]byte(sum + "/" + in.digest))
	id := "i-" + hex.EncodeToString(h[:12])
	in.lastID.Store(&instanceID{sum, id})
	return id
}

// instanceID is the name id of an instance in a process of the binary with the checksum sum.
type instanceID struct{ sum, id string }

// holdLocked adds a holder. Locked: Manager.mu is held.
func (in *instance) holdLocked(tenant string) {
	in.stopTimerLocked()
	if in.holders++; in.holders == 1 {
		in.sup.active.Add(1)
	}
	in.tenants[tenant]++
}

// stopTimerLocked stops the timer, so that it does not release the instance. Locked:
// Manager.mu is held.
func (in *instance) stopTimerLocked() {
	if in.timer != nil {
		in.timer.Stop()
		in.timer = nil
	}
}

// Close releases the hold. If an instance has no holder for Options.IdleRelease, the plugin
// drops the instance. Repeated calls of Close do nothing.
func (i *Instance) Close() {
	i.once.Do(func() {
		i.closed.Store(true)
		i.m.unhold(i.instance, i.tenant)
		for _, n := range i.nested {
			n.Close()
		}
	})
}

// ID returns the name of the instance in the plugin's process and in logs.
func (i *Instance) ID() string { return i.id(i.sup.sum()) }

// Plugin returns the name and the current version of the plugin.
func (i *Instance) Plugin() PluginRef {
	return PluginRef{i.sup.ref.Kind, i.sup.ref.Name, i.sup.lastInfo().GetVersion()}
}

// unhold removes a holder. If the instance has no other holder, unhold starts the timer for
// the release.
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
		// If several tenants have shared the instance, it counts for none of them while it
		// has no holder.
		in.several = true
		m.noteLeftLocked(in, tenant)
	}
	in.sup.active.Add(-1)
	// An exclusive plugin may store state in the instance that is stored nowhere else, so
	// the instance is not released.
	if m.closing || in.sup.lastInfo().GetExclusive() {
		return
	}
	in.timer = time.AfterFunc(m.opts.IdleRelease, func() { m.release(in) })
}

// release tells the plugin to drop an instance without holders. It does nothing if the
// instance has a holder again.
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

// instancesOf returns the supervisor's instances that have a holder.
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

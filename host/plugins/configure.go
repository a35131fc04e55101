package plugins

import (
	"cmp"
	"context"
	"fmt"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/memory"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// setup is one attempt to configure an instance in a process, and its result. A new setup
// replaces an earlier setup only if the earlier setup failed, or if the process lost the
// instance.
type setup struct {
	id    string
	done  chan struct{} // closed when err, needs, traits and capacity are set
	err   error
	needs memory.Needs
	call  *callEntry // guarded by worker.mu

	traits   sdk.LLMTraits
	capacity admission.Capacity
}

// configure configures the instance in the process, and returns when the instance is
// configured. Concurrent callers share one setup. tenant is the tenant whose call needs the
// instance. The setup continues when the caller's ctx ends, because other callers may wait
// for it.
func (w *worker) configure(ctx context.Context, in *instance, tenant string) (*setup, error) {
	w.mu.Lock()
	st, ok := w.setups[in]
	if !ok {
		st = &setup{id: in.id(w.Binary.SHA256), done: make(chan struct{})}
		if !w.Go(func() { w.endSetup(st, w.runSetup(st, in, tenant)) }) {
			w.mu.Unlock()
			return nil, fault.New(fault.PluginUnavailable, "the %s has ended", w.Binary.Ref)
		}
		st.call = w.calls.begin(tenant)
		w.setups[in] = st
	}
	w.mu.Unlock()
	select {
	case <-st.done:
		return st, st.err
	case <-ctx.Done():
		return nil, fault.Of(ctx.Err())
	}
}

// endSetup records in the call log how the setup ended.
func (w *worker) endSetup(st *setup, how ending) {
	w.mu.Lock() // configure holds w.mu until st.call is set
	call := st.call
	w.mu.Unlock()
	w.calls.end(call, how)
}

// runSetup configures the instance, and returns the ending for the call log. tenant is the
// tenant whose call needs the instance.
func (w *worker) runSetup(st *setup, in *instance, tenant string) (how ending) {
	timeout := in.sup.callTimeout()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	resp, err := w.sendConfigure(ctx, st.id, in, tenant)
	if err == nil {
		if st.capacity, err = capacityOf(in, resp); err != nil {
			err = fault.New(fault.Internal, "the %s %w", w.Binary.Ref, err).By(fault.PartyPlugin)
		}
	}
	if err == nil {
		if st.traits, err = sdk.LLMTraitsFromProto(resp); err != nil {
			err = fault.New(fault.Internal, "the %s %w", w.Binary.Ref, err).By(fault.PartyPlugin)
		}
	}
	if err == nil {
		n := resp.GetMemoryNeeds()
		st.needs = memory.Needs{Tail: int(n.GetTail()), Recall: n.GetRecall(), Remember: n.GetRemember(),
			StoreKey: cmp.Or(resp.GetStoreKey(), w.Binary.Ref.Name)}
		if len(st.needs.StoreKey) > sdk.MaxStoreKeyBytes {
			err = fault.New(fault.Internal, "the %s has a store key of %d bytes; at most %d are taken",
				w.Binary.Ref, len(st.needs.StoreKey), sdk.MaxStoreKeyBytes).By(fault.PartyPlugin)
		}
		if st.needs.Tail < 0 || st.needs.Tail > memory.MaxTail {
			err = fault.New(fault.Internal, "the %s asks for a tail of %d messages, beyond 0 to %d",
				w.Binary.Ref, st.needs.Tail, memory.MaxTail).By(fault.PartyPlugin)
		}
	}
	if err != nil {
		awaitDeadline(ctx, err)
	}
	if err != nil && ctx.Err() != nil {
		w.RequestProbe()
		how = abandoned
		err = fault.New(fault.Deadline, "the %s did not take its configuration within %s", w.Binary.Ref, timeout).By(fault.PartyPlugin)
	}
	switch {
	case err == nil:
		in.sup.crashLoops.Succeeded(in.digest)
	case mayBeConnectionLoss(err) && w.EndsSoon():
		how = cutOff
		in.sup.crashLoops.Crashed(in.digest, w)
	}
	if err != nil {
		st.err = fault.Of(err)
		w.forget(in, st) // the next call of configure starts a new setup
	}
	close(st.done)
	return how
}

// HoldsNoRule returns the error for a tenant's own settings that say where a plugin
// connects, if the plugin cannot enforce an egress policy.
func HoldsNoRule(kind, name string) *fault.Error {
	return fault.New(fault.Invalid, "the %s lacks the feature \"egress\", so a tenant's own settings may not say where it connects; "+
		"the operator can set that, or let tenants lead everywhere in the host file: egress { tenants = \"any\" }", discovery.Ref{Kind: kind, Name: name}).By(fault.PartyTenant)
}

// sendConfigure calls Configure of the plugin. If the instance has an egress policy that
// restricts connections, and the plugin cannot enforce egress policies, it returns an error
// without the call.
func (w *worker) sendConfigure(ctx context.Context, id string, in *instance, tenant string) (*pluginv1.ConfigureResponse, error) {
	if in.egress.Restricts() && !process.HasFeature(w.Info, feature.Egress) {
		return nil, HoldsNoRule(w.Binary.Kind, w.Binary.Name).From(fault.OriginSettings)
	}
	release, err := w.permit(ctx, in, tenant)
	if err != nil {
		return nil, err
	}
	defer release()
	resp, err := pluginv1.NewPluginServiceClient(w.Conn).Configure(ctx,
		&pluginv1.ConfigureRequest{Instance: id, Config: in.config, Egress: sdk.EgressToProto(in.egress), Roles: in.roles})
	return resp, in.sup.fromPlugin(err, fault.OriginSettings)
}

// capacityOf returns the capacity of the instance's upstream, as the plugin's response
// states it. If the response does not name the upstream, the upstream counts as used by
// this instance alone.
func capacityOf(in *instance, resp *pluginv1.ConfigureResponse) (admission.Capacity, error) {
	switch parallel, name := resp.GetParallel(), resp.GetUpstream(); {
	case parallel < 0:
		return admission.Capacity{}, fmt.Errorf("takes %d calls at once", parallel)
	case len(name) > sdk.MaxUpstreamBytes:
		return admission.Capacity{}, fmt.Errorf("names its upstream with %d bytes, more than %d", len(name), sdk.MaxUpstreamBytes)
	case parallel == 0:
		return admission.Capacity{}, nil
	case name == "":
		return admission.Capacity{Upstream: "instance " + in.digest, Parallel: int(parallel)}, nil
	default:
		return admission.Capacity{Upstream: "upstream " + name, Parallel: int(parallel)}, nil
	}
}

// forget deletes the setup st, which failed or whose instance the process lost. It does not
// delete a newer setup of the instance.
func (w *worker) forget(in *instance, st *setup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.setups[in] == st {
		delete(w.setups, in)
	}
}

// release tells the process to drop the instance.
func (w *worker) release(ctx context.Context, in *instance) error {
	w.mu.Lock()
	st, ok := w.setups[in]
	delete(w.setups, in)
	w.mu.Unlock()
	if !ok {
		return nil
	}
	free, err := w.permit(ctx, in, "")
	if err != nil {
		return fmt.Errorf("releasing an instance: %w", err)
	}
	defer free()
	if _, err := pluginv1.NewPluginServiceClient(w.Conn).Release(ctx, &pluginv1.ReleaseRequest{Instance: st.id}); err != nil {
		return fmt.Errorf("releasing an instance: %w", in.sup.fromPlugin(err, fault.OriginPlugin))
	}
	return nil
}

// configured returns how many instances are configured in the process.
func (w *worker) configured() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, st := range w.setups {
		select {
		case <-st.done:
			n++
		default:
		}
	}
	return n
}

// release tells the processes of the supervisor and of its cells to drop the instance.
func (s *supervisor) release(in *instance) {
	if s.attribution != nil {
		s.attribution.each(func(cell *supervisor) { cell.release(in) })
	}
	s.mu.Lock()
	p := s.proc
	s.mu.Unlock()
	if p == nil || p.HasExited() {
		return
	}
	ctx, cancel := context.WithTimeout(s.m.hard, s.callTimeout())
	defer cancel()
	if err := p.release(ctx, in); err != nil && !p.HasExited() {
		p.Log.Warn("an instance was not released", "error", err)
	}
}

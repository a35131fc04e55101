package plugins

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// checkConfigTimeout bounds one call of CheckConfig. The call opens no connection, so that it takes
// some milliseconds.
const checkConfigTimeout = 5 * time.Second

// CheckConfig asks the plugin what is wrong in a configuration, and opens no instance. The problems
// have the origin fault.OriginSettings, a sanitized text, and paths from the plugin's block on. A
// plugin that does not check configurations has no problems. CheckConfig must not be called for a
// plugin that is isolated by tenant, because the process that it asks is one for all tenants.
func (m *Manager) CheckConfig(ctx context.Context, spec Spec) ([]*fault.Error, error) {
	m.mu.Lock()
	at := place{Ref: discovery.Ref{Kind: spec.Kind, Name: spec.Name}}
	b, err := m.findLocked(at.Ref)
	if err != nil {
		m.mu.Unlock()
		return nil, err
	}
	s := m.useLocked(at, b)
	m.mu.Unlock()
	defer m.unuse(s)
	defer m.sanitizer.Keep(secretsOf(spec)...)()
	if err := s.countIn(); err != nil {
		return nil, err
	}
	defer s.countOut()
	if _, err := s.attribution.route(callOptions{tenant: spec.Tenant}); err != nil {
		return nil, err
	}
	var w *worker
	err = fairshare.Away(ctx, func() (err error) {
		w, err = s.acquire(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer s.giveBack(w)
	return s.checkConfig(ctx, w, spec)
}

// checkConfig calls CheckConfig of the plugin's process, and records the call in the call log.
func (s *supervisor) checkConfig(ctx context.Context, w *worker, spec Spec) ([]*fault.Error, error) {
	ctx, cancel := context.WithTimeout(ctx, checkConfigTimeout)
	defer cancel()
	if w.permits != nil {
		release, err := w.permits.Acquire(ctx, admission.Claim{Tenant: spec.Tenant, Instance: "configuration checks"})
		if err != nil {
			return nil, fault.Of(err)
		}
		defer release()
	}
	end, entry := answered, w.calls.begin(spec.Tenant)
	defer func() { w.calls.end(entry, end) }()
	resp, err := pluginv1.NewPluginServiceClient(w.Conn).CheckConfig(ctx,
		&pluginv1.CheckConfigRequest{Config: spec.Config, Egress: sdk.EgressToProto(spec.Egress)})
	err = s.fromPlugin(err, fault.OriginSettings)
	switch {
	case err == nil:
	case fault.Is(err, fault.Unsupported):
		return nil, nil
	case ctx.Err() != nil:
		w.RequestProbe()
		end = abandoned
		return nil, fault.New(fault.Deadline, "the %s did not check its configuration within %s", w.Binary.Ref, checkConfigTimeout).By(fault.PartyPlugin)
	case mayBeConnectionLoss(err) && w.EndsSoon():
		end = cutOff
		return nil, err
	default:
		return nil, err
	}
	var out []*fault.Error
	for _, p := range resp.Problems[:min(len(resp.Problems), sdk.MaxConfigProblems)] {
		f := fault.Sendable(fault.New(fault.Invalid, "%s", p.Message).At(p.Path...).By(fault.PartyTenant)).From(fault.OriginPlugin)
		out = append(out, fault.Of(s.fromPlugin(f, fault.OriginSettings)))
	}
	return out, nil
}

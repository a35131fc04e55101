package api

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// checked checks the instances of a tenant. It returns the result with all durations 0.
func (s *testServer) checked(tenant, query string) InstanceChecks {
	s.Helper()
	var out InstanceChecks
	s.call("POST", "/admin/v1/tenants/"+tenant+"/check"+query, nil, "", 200, &out)
	for i := range out.Instances {
		out.Instances[i].TookMS = 0
	}
	return out
}

func TestCheckInstances(t *testing.T) {
	s := serve(t, Options{})
	fails := func(fail map[string]any) map[string]any {
		fail["message"] = "the key sk-123456789 is not accepted"
		return echoWith(map[string]any{"api_key": "sk-123456789", "fail": fail})
	}
	s.register("fine", nil)
	s.register("key", fails(map[string]any{"class": "unauthenticated"}))
	s.register("busy", fails(map[string]any{"class": "rate_limited", "retry_after_ms": 4000}))
	s.register("plain", fails(map[string]any{"class": "internal"}))
	for name, want := range map[string]InstanceCheck{
		"fine": {State: StateOK},
		"key": {State: StateFailed, Class: "unauthenticated", Party: "tenant", Path: "llm",
			Message: "the key <secret> is not accepted", Remedy: "change llm, or what it names, and check again"},
		"busy": {State: StateFailed, Class: "rate_limited", Party: "provider", Message: "the key <secret> is not accepted", Remedy: "check again in 4s", RetryAfterMS: 4000},
		"plain": {State: StateFailed, Class: "internal", Party: "plugin", Message: "the key <secret> is not accepted",
			Remedy: "see what the host's log says about the plugin echo"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.in(t).checked(name, "")
			want.Block, want.Kind, want.Plugin = "llm", "llm", "echo"
			all := []InstanceCheck{want, {Block: "memory", Kind: "memory", Plugin: "buffer", State: StateOK},
				{Block: "conversation_storage", Kind: "storage", Plugin: "memory", State: StateOK}}
			if got.Tenant != name || got.Revision == "" || got.Error != "" || got.OK != (name == "fine") || !reflect.DeepEqual(got.Instances, all) {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("as=tenant", func(t *testing.T) {
		got := s.in(t).checked("key", "?as=tenant").Instances[0]
		if got.State != StateFailed || got.Class != "unauthenticated" || got.Remedy != "" || got.Path != "" || strings.Contains(got.Message, "is not accepted") || got.Message == "" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		s.in(t).refuse(refusal{"", "POST", "/admin/v1/tenants/nobody/check", nil, "", 404, fault.NotFound, "", `no tenant "nobody"`})
	})
}

// checksHost is a host whose checks of instances are those of a test.
type checksHost struct {
	*host.Host
	check func(ctx context.Context, tenant string) (host.InstanceChecks, error)
}

func (s checksHost) CheckInstances(ctx context.Context, tenant string) (host.InstanceChecks, error) {
	return s.check(ctx, tenant)
}

// TestCheckInstances_slots checks that checks of one tenant leave slots for those of others and for
// reads of admins.
func TestCheckInstances_slots(t *testing.T) {
	// beyond: checks
	s := serve(t, Options{})
	s.register("a", nil)
	s.register("b", nil)
	let, at := make(chan struct{}), make(chan string, 100)
	s.server.host = checksHost{s.host, func(ctx context.Context, tenant string) (host.InstanceChecks, error) {
		at <- tenant
		if tenant == "a" {
			select {
			case <-let:
			case <-ctx.Done():
				return host.InstanceChecks{}, errors.New("gone")
			}
		}
		return host.InstanceChecks{}, nil
	}}
	const extra = 3
	done := make(chan struct{})
	n := int(bounds.CheckSlots.Each) + extra
	for range n {
		go func() {
			defer func() { done <- struct{}{} }()
			s.checked("a", "")
		}()
	}
	for range bounds.CheckSlots.Each {
		<-at
	}
	s.checked("b", "")
	if got := <-at; got != "b" {
		t.Errorf("a check of %s began beyond its slots", got)
	}
	s.call("GET", "/admin/v1/tenants/a", nil, "", 200, nil)
	select {
	case got := <-at:
		t.Errorf("a check of %s began beyond its slots", got)
	case <-time.After(100 * time.Millisecond):
	}
	close(let)
	for range n {
		<-done
	}
}

func TestRemedyOf(t *testing.T) {
	tenant := fault.New(fault.NotFound, "gone").By(fault.PartyTenant)
	for want, f := range map[string]*fault.Error{
		"change llm.model, or what it names": fault.New(fault.NotFound, "gone").By(fault.PartyTenant).At("llm", "model"),
		"change the block":                   tenant,
		"see whether what the plugin":        fault.New(fault.ProviderFailed, "down"),
		"botyard plugin list":                fault.New(fault.PluginUnavailable, "away"),
		"raise the quota":                    fault.New(fault.QuotaExhausted, "empty"),
		"check again later":                  fault.New(fault.RateLimited, "busy"),
		"check again in 2s":                  fault.New(fault.RateLimited, "busy").After(2 * time.Second),
		"the host's log":                     fault.New(fault.Internal, "odd"),
	} {
		t.Run(fmt.Sprint(f.Class, " ", want), func(t *testing.T) {
			if got := remedyOf(host.InstanceCheck{Err: f}); !strings.Contains(got, want) {
				t.Errorf("got %q; want %q", got, want)
			}
		})
	}
}

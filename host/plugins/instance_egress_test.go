package plugins

import (
	"context"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
)

func policy(t *testing.T, mode egress.Mode, allow ...string) egress.Policy {
	t.Helper()
	p, err := egress.New(mode, allow)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSpec_Egress checks that an instance gets its egress policy, and that Specs that
// differ only in the policy get separate instances.
func TestSpec_Egress(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=egress")
	specs := map[string]egress.Policy{
		"any[]": {}, "public[]": policy(t, egress.Public), `public["10.0.0.5" "db"]`: policy(t, egress.Public, "db", "10.0.0.5"), "none[]": policy(t, egress.None),
	}
	ids := map[string]string{}
	for want, p := range specs {
		i := h.open(Spec{Name: "test", Egress: p})
		if got := h.ask(i, "egress"); got != want {
			t.Errorf("the instance has the policy %s, want %s", got, want)
		}
		if other, ok := ids[i.ID()]; ok {
			t.Errorf("%s and %s share an instance", want, other)
		}
		ids[i.ID()] = want
	}
	same := h.open(Spec{Name: "test", Egress: policy(t, egress.Public, "10.0.0.5", "db", "db")})
	if ids[same.ID()] != `public["10.0.0.5" "db"]` {
		t.Error("an equal policy got another instance")
	}
	if got := h.ask(same, "opened"); got != "4" {
		t.Errorf("%s instances were opened, want 4", got)
	}
}

// TestSpec_EgressUnknown checks that Open refuses an egress policy if the plugin cannot
// enforce one, and that an earlier instance of the plugin still works.
func TestSpec_EgressUnknown(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=good")
	i := h.open(Spec{Name: "test"})
	_, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Block: fault.Path{"llm"}, Tenant: "a", Config: []byte(`{}`), Egress: policy(t, egress.Public)})
	f := fault.Of(err)
	if f.Class != fault.Invalid || f.Party != fault.PartyTenant || f.Path.String() != "llm" || !strings.Contains(f.Message, "egress {") {
		t.Errorf("%+v", f)
	}
	if got := h.ask(i, "opened"); got != "1" {
		t.Errorf("%s instances were opened, want 1", got)
	}
}

package plugins

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// TestManager_CheckConfig checks that a plugin's problems come all at once, without secrets, again
// and again, and that no instance is made.
//
// beyond: mistakes that a plugin reports
func TestManager_CheckConfig(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	check := func(proxy string) ([]*fault.Error, error) {
		spec := withSecret(first)
		spec.Config = fmt.Appendf(nil, `{"secret":%q,"proxy":%q}`, first, proxy)
		return h.CheckConfig(context.Background(), spec)
	}
	for range 2 {
		got, err := check("wrong")
		if err != nil || len(got) != 2 || got[0].Error() != "proxy: does not go with the key <secret>" || got[1].Error() != "crash: not now" {
			t.Fatalf("problems %v, %v", got, err)
		}
		if f := got[0]; f.Class != fault.Invalid || f.Party != fault.PartyTenant || strings.Contains(f.ForCallers(), "goes") {
			t.Errorf("%+v", f)
		}
	}
	if got, err := check("fine"); err != nil || len(got) != 0 {
		t.Errorf("a good configuration has the problems %v, %v", got, err)
	}
	if got, err := check("many"); err != nil || len(got) != sdk.MaxConfigProblems {
		t.Errorf("%d problems, %v", len(got), err)
	}
	if _, err := check("exits"); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("a plugin that ends gives %v", err)
	}
	if got, err := check("fine"); err != nil || len(got) != 0 {
		t.Errorf("after the process ended: %v, %v", got, err)
	}
	if n := h.row("test").Instances; n != 0 {
		t.Errorf("%d instances were made", n)
	}
}

package plugins

import (
	"fmt"
	"testing"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/sdk"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

func TestCapacityOf(t *testing.T) {
	in := &instance{digest: "d"}
	for _, c := range []struct {
		parallel int32
		upstream string
		want     admission.Capacity
		bad      bool
	}{
		{0, "x", admission.Capacity{}, false},
		{2, "", admission.Capacity{Upstream: "instance d", Parallel: 2}, false},
		{2, "x", admission.Capacity{Upstream: "upstream x", Parallel: 2}, false},
		{2, "instance d", admission.Capacity{Upstream: "upstream instance d", Parallel: 2}, false},
		{-1, "", admission.Capacity{}, true},
		{1, string(make([]byte, sdk.MaxUpstreamBytes+1)), admission.Capacity{}, true},
	} {
		t.Run(fmt.Sprintf("%d of %.10q", c.parallel, c.upstream), func(t *testing.T) {
			got, err := capacityOf(in, &pluginv1.ConfigureResponse{Parallel: c.parallel, Upstream: c.upstream})
			if got != c.want || (err != nil) != c.bad {
				t.Errorf("%d %.20q: %v, %v", c.parallel, c.upstream, got, err)
			}
		})
	}
}

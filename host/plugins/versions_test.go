package plugins

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// versionPlugins are the folders in testdata/versions of plugins that were built without the SDK from
// an older and from a newer protocol than the host's. tools/versions.sh makes both protocols from the
// recorded candidate.
var versionPlugins = []string{"older/storage", "newer/storage", "older/llm", "newer/llm", "newer/memory"}

// versionCase is one difference between the host's protocol and a plugin's. check checks what the host
// does about the difference.
type versionCase struct {
	plugin, difference, result string // plugin is "older" or "newer"
	check                      func(ctx context.Context, h *host, i *Instance) error
}

// testVersions runs each case as a subtest, with an instance of the case's plugin of the kind. It puts
// the other plugins, which are file names, into the host's folder too.
func testVersions(t *testing.T, kind string, cases []versionCase, others ...string) {
	for _, c := range cases {
		t.Run(c.plugin+"/"+c.difference+": "+c.result, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			h := realHost(t, append(slices.Clone(others), "botyard-"+kind+"-"+c.plugin)...)
			i := h.open(Spec{Kind: kind, Name: c.plugin, Tenant: "t"})
			defer i.Close()
			if err := c.check(ctx, h, i); err != nil {
				t.Error(err)
			}
		})
	}
}

// refused returns an error if err is not of the class or does not say the words.
func refused(err error, class fault.Class, words ...string) error {
	if !fault.Is(err, class) {
		return errors.Join(errors.New("not of class "+class.String()), err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			return errors.Join(errors.New("does not say "+w), err)
		}
	}
	return nil
}

// isShownAsNewer returns an error if the status of the plugin "newer" does not show exactly the service
// and the feature telepathy as unknown.
func (h *host) isShownAsNewer(service string) error {
	st := h.row("newer")
	if !slices.Equal(st.UnknownServices, []string{service}) || !slices.Equal(st.UnknownFeatures, []string{"telepathy"}) {
		return errors.New("unknown: " + strings.Join(append(st.UnknownServices, st.UnknownFeatures...), " "))
	}
	return nil
}

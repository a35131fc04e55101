package archive

import (
	"strconv"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestDeletionOptions_Abandon(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	s.register("a", "two", "")
	s.say("two", "a", s.incarnation("a"), "c", "u", "x")
	s.storages.fail("one", fault.New(fault.PluginUnavailable, "not there"))
	for _, wrong := range []string{"", "0123456", "0123456789"} {
		t.Run(strconv.Quote(wrong), func(t *testing.T) {
			if _, err := s.Purge(t.Context(), "a", DeletionOptions{Abandon: []string{wrong}}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", wrong, err)
			}
		})
	}
	_, err := s.Purge(t.Context(), "a", DeletionOptions{})
	if err == nil {
		t.Fatal("purged without one of its storages")
	}
	_, digest, _ := strings.Cut(err.Error(), "(digest ")
	r, err := s.Purge(t.Context(), "a", DeletionOptions{Abandon: []string{digest[:shortDigest]}})
	if err != nil || r.Turns != 1 || len(r.Storages) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, c := range r.Storages {
		if c.Abandoned != strings.HasPrefix(c.Digest, digest[:shortDigest]) {
			t.Errorf("%+v", c)
		}
	}
}

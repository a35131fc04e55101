package archive

import (
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestLockTenant(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	s.say("one", "a", s.incarnation("a"), "c", "u", "x")
	var second error
	if _, err := s.Erase(t.Context(), "a", "", DeletionOptions{Progress: func(Count) {
		_, second = s.Purge(t.Context(), "a", DeletionOptions{})
	}}); err != nil {
		t.Fatal(err)
	}
	if !fault.Is(second, fault.Conflict) {
		t.Errorf("beside an erasure: %v", second)
	}
	if _, err := s.Purge(t.Context(), "a", DeletionOptions{}); err != nil {
		t.Error(err)
	}
}

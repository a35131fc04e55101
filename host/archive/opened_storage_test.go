package archive

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestOpenedStorage_requireOwners(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	s.say("one", "a", s.incarnation("a"), "c", "u", "x")
	s.ownerless = true
	_, err := s.Erase(t.Context(), "a", "u", DeletionOptions{})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "shelf=one") || !strings.Contains(err.Error(), "update it") {
		t.Errorf("erase: %v", err)
	}
	if _, err := s.Export(t.Context(), "a", ExportOptions{User: "u"}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "update it") {
		t.Errorf("export: %v", err)
	}
	if all := s.export("a", ""); !strings.Contains(all, `{"type":"end","conversations":1,"turns":1}`) {
		t.Error(all)
	}
	if _, err := s.Erase(t.Context(), "a", "", DeletionOptions{}); err != nil {
		t.Errorf("erase of all: %v", err)
	}
}

package archive

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestImport_registers(t *testing.T) {
	on := newTestStorages()
	s := newTestHost(t, on, newTenantStore())
	s.register("a", "one", `{"prompts": {"system": "be brief"}}`)
	s.say("one", "a", s.incarnation("a"), "c", "u", "x")
	export := s.export("a", "")
	if _, err := s.imports("b", export); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "register it first") {
		t.Error(err)
	}
	if _, err := s.importsRegistering("b", s.export("a", "u")); !fault.Is(err, fault.Invalid) {
		t.Errorf("with an export of one user: %v", err)
	}
	// An export is imported on another host to move a tenant.
	other := newTestHost(t, newTestStorages(), newTenantStore())
	done, err := other.importsRegistering("b", export)
	if want := (Imported{Conversations: 1, Turns: 1, Registered: true}); err != nil || done != want {
		t.Errorf("%+v, %v; want %+v", done, err, want)
	}
	got, err := other.reg.Get(t.Context(), "b")
	if err != nil || got.Effective.Prompts.System.String() != "be brief" {
		t.Errorf("registered as %+v, %v", got.Effective, err)
	}
	// The tenant exists when the import is repeated.
	if done, err := other.importsRegistering("b", export); err != nil || done.Registered || done.Present != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	s.register("k", "one", `{"llm": {"api_key": "sk-hunter2"}}`)
	if _, err := other.importsRegistering("k", s.export("k", "")); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "(llm.api_key)") {
		t.Errorf("without its secrets: %v", err)
	}
	if err := other.reg.Remove(t.Context(), "b", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := other.importsRegistering("b", export); !fault.Is(err, fault.Conflict) {
		t.Errorf("the id of a removed tenant: %v", err)
	}
	broken := strings.Replace(export, `"system":"be brief"`, `"sistem":"be brief"`, 1)
	if _, err := other.importsRegistering("c", broken); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "prompts.sistem") {
		t.Errorf("with bad settings: %v", err)
	}
}

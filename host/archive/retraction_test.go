package archive

import (
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestTurnLine_retractions checks that an export has which turns were retracted.
func TestTurnLine_retractions(t *testing.T) {
	turn := turnOf(chat.Text(chat.User, "hi"))
	turn.Messages = append(turn.Messages, storage.EncodeMessage(chat.Text(chat.Assistant, "hello")))
	turn.Retracted = true
	back, err := exported(t, turn)
	if err != nil || !reflect.DeepEqual(back, turn) {
		t.Errorf("%+v, %v; want %+v", back, err, turn)
	}
}

// TestImport_retractions checks that retracted turns are imported as such, and not into a storage
// that would show them again.
func TestImport_retractions(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	export := turnsOf("", asked+","+replied, asked+","+replied, asked+","+replied)
	export = strings.Replace(export, `"sequence":2,`, `"sequence":2,"retracted":true,`, 1)
	export = strings.Replace(export, `"sequence":3,`, `"sequence":3,"retract_from":2,`, 1)
	s.forgetful = true
	if _, err := s.imports("a", export); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "the export has retracted turns") {
		t.Errorf("into a storage without retractions: %v", err)
	}
	s.forgetful = false
	if done, err := s.imports("a", export); err != nil || done.Turns+done.Present != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	page, err := s.storages.get("one").Read(t.Context(), &storage.ReadRequest{Call: sdk.Call{Tenant: "a", Incarnation: s.incarnation("a"), Conversation: "c"}, Limit: 10, All: true})
	if err != nil || len(page.Turns) != 3 || !page.Turns[1].Retracted || page.Turns[2].RetractFrom != 2 {
		t.Errorf("%+v, %v", page, err)
	}
	for name, fields := range map[string]string{
		"a turn that is not there":        `,"retract_from":3`,
		"a number below 0":                `,"retract_from":-1`,
		"a failed turn that is retracted": `,"retracted":true,"state":"failed","number":0`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.imports("a", turnsOf(fields, asked+","+replied)); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v", err)
			}
		})
	}
	// A turn that failed because its results answer no call is kept, exported and imported.
	if _, err := s.imports("a", strings.Replace(turnsOf(`,"state":"failed","number":0`, result), `"id":"c"`, `"id":"d"`, 1)); err != nil {
		t.Error(err)
	}
}

package e2e

import (
	"strings"
	"testing"
)

// TestALargeConversationIsShownWhole: more of a conversation than a turn has without
// asking is shown to the model all the same, by each storage.
func TestALargeConversationIsShownWhole(t *testing.T) {
	y := start(t, echoDefaults, map[string]string{
		"memory.hcl": "", "sqlite.hcl": "conversation_storage {\n  backend = \"sqlite\"\n}\n",
	})
	for _, tenant := range []string{"memory", "sqlite"} {
		for range 4 {
			y.mustChat(tenant, "c", strings.Repeat("m", 200<<10))
		}
		a := y.mustChat(tenant, "c", "how many?")
		if !strings.Contains(a.Reply, "I was shown 8 earlier messages") {
			t.Errorf("%s: %.300s", tenant, a.Reply)
		}
		if again := y.mustChat(tenant, "c", "and now?"); again.Turn != a.Turn+1 {
			t.Errorf("%s: turn %d after %d", tenant, again.Turn, a.Turn)
		}
	}
}

package e2e

import (
	"strings"
	"testing"
)

// TestLargeConversation checks, with two storages, that the model gets all messages that its memory wants
// even if they exceed the bytes that Begin returns.
func TestLargeConversation(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{
		"memory.hcl": "", "sqlite.hcl": "conversation_storage {\n  backend = \"sqlite\"\n}\n",
	})
	for _, tenant := range []string{"memory", "sqlite"} {
		for range 4 {
			host.mustChat(tenant, "c", strings.Repeat("m", 200<<10))
		}
		a := host.mustChat(tenant, "c", "how many?")
		if !strings.Contains(a.Reply, "I was shown 8 earlier messages") {
			t.Errorf("%s: %.300s", tenant, a.Reply)
		}
		if again := host.mustChat(tenant, "c", "and now?"); again.Turn != a.Turn+1 {
			t.Errorf("%s: turn %d after %d", tenant, again.Turn, a.Turn)
		}
	}
}

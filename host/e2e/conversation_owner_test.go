package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestConversationOwner checks that a user neither sees nor changes a conversation of another user, until
// the tenant sets conversations.owner to "tenant".
func TestConversationOwner(t *testing.T) {
	host := start(t, `
defaults {
  llm { provider = "echo" }
  conversation_storage { backend = "sqlite" }
}
registry {
  storage { backend = "sqlite" }
}
`, nil)
	host.put("a", `{}`)
	say := func(conversation, user, message string) answer {
		t.Helper()
		body := fmt.Sprintf(`{"conversation_id":%q,"user_id":%q,"message":%q}`, conversation, user, message)
		return host.do("POST", "/api/v1/chat", body, "X-Tenant-ID: a", "Idempotency-Key: k "+message)
	}
	cli := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(binaries, "botyard"), append(args, "--url", host.url)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if a := say("c", "u1", "my password is hunter2"); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	for _, message := range []string{"Do you remember me?", "my password is hunter2"} {
		if a := say("c", "u2", message); a.Status != 404 || strings.Contains(string(a.Body), "hunter2") {
			t.Errorf("another user who says %q: %d %s", message, a.Status, a.Body)
		}
	}
	for _, path := range []string{"/api/v1/conversations/c", "/api/v1/conversations/c/turns"} {
		if a := host.do("GET", path+"?user_id=u2", "", "X-Tenant-ID: a"); a.Status != 404 {
			t.Errorf("%s for another user: %d %s", path, a.Status, a.Body)
		}
	}
	if a := host.do("DELETE", "/api/v1/conversations/c?user_id=u2", "", "X-Tenant-ID: a"); a.Status != 404 {
		t.Errorf("deletion by another user: %d %s", a.Status, a.Body)
	}
	if a := host.do("GET", "/api/v1/conversations?user_id=u2", "", "X-Tenant-ID: a"); strings.Contains(string(a.Body), `"c"`) {
		t.Errorf("the other user's list: %s", a.Body)
	}
	if out := cli("tenant", "export", "a", "--user", "u2"); strings.Contains(out, "hunter2") || !strings.Contains(out, `"conversations":0`) {
		t.Error(out)
	}
	if out := cli("tenant", "erase", "a", "--user", "u2", "--yes"); !strings.HasPrefix(out, "0 conversations and 0 turns of tenant a are deleted\n") {
		t.Error(out)
	}
	if a := say("c", "u1", "Do you remember me?"); a.Status != 200 || !strings.Contains(a.Reply, "hunter2") {
		t.Errorf("the user itself: %d %s", a.Status, a.Body)
	}

	host.put("a", `{"conversations":{"owner":"tenant"}}`)
	if a := say("c", "u2", "What was said?"); a.Status != 200 || !strings.Contains(a.Reply, "hunter2") {
		t.Errorf("a user who shares it: %d %s", a.Status, a.Body)
	}
	host.mustChat("a", "c", "The backend was here.")
	out := cli("tenant", "export", "a", "--user", "u2")
	if strings.Count(out, `"type":"turn"`) != 1 || !strings.Contains(out, `"partial":true`) || strings.Contains(out, "u1") || strings.Contains(out, "backend") {
		t.Errorf("the part of a user who shares it: %s", out)
	}
	host.put("a", `{}`)
	if out := cli("tenant", "erase", "a", "--user", "u1", "--yes"); !strings.HasPrefix(out, "0 conversations and 0 turns of tenant a are deleted; 2 turns in conversations with other users emptied\n") {
		t.Error(out)
	}
	all := host.do("GET", "/api/v1/conversations/c/turns", "", "X-Tenant-ID: a")
	if n := strings.Count(string(all.Body), `"sequence":`); n != 4 || strings.Contains(string(all.Body), "u1") || !strings.Contains(string(all.Body), "What was said?") {
		t.Errorf("%d turns are left: %s", n, all.Body)
	}
	if a := say("c", "u1", "my password is hunter2"); a.Status != 404 {
		t.Errorf("a retry by the erased user: %d %s", a.Status, a.Body)
	}
	// The echo model repeats earlier messages. If it still repeated the erased message, the reply would
	// contain hunter2.
	if a := host.mustChat("a", "c", "Do you remember me?"); a.Turn != 5 || strings.Contains(a.Reply, "hunter2") {
		t.Errorf("%s", a.Body)
	}
}

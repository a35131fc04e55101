package e2e

import (
	"testing"
)

// TestCrashLoop_harmsItsTenantOnly checks that other tenants are served while the settings of one tenant
// crash their shared plugin process with every call.
func TestCrashLoop_harmsItsTenantOnly(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{
		"good.hcl":   "",
		"poison.hcl": "llm {\n  crash_after_tokens = 0\n}\n",
	})
	host.mustChat("good", "c", "hello")
	for i := range 12 {
		a := host.chat("poison", "c", "crash")
		if a.Status != 503 || !a.Retryable {
			t.Errorf("call %d: %d %s", i, a.Status, a.Body)
		}
		// The process may be restarting. The turn must wait for the restart and succeed.
		host.mustChat("good", "c", "still here")
	}
	if p := host.plugins()["llm-echo"]; p.State != "ready" || p.Restarts > 4 {
		t.Errorf("%+v", p)
	}
	if a := host.chat("poison", "c", "crash"); a.Header.Get("Retry-After") == "" {
		t.Errorf("not refused: %d %s", a.Status, a.Body)
	}
}

package e2e

import (
	"strings"
	"testing"
	"time"
)

func TestBreaker_failingProvider(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{
		"ill.hcl":  "llm {\n  fail {\n    class = \"provider_failed\"\n    times = 6\n  }\n}\n",
		"well.hcl": "",
	})
	fail := func() answer {
		t.Helper()
		a := host.chat("ill", "c", "x")
		if a.Status != 502 || a.Class != "provider_failed" || !a.Retryable {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return a
	}
	for range 5 {
		if a := fail(); a.Header.Get("Retry-After") != "" {
			t.Errorf("refused too early: %s", a.Body)
		}
	}
	opened := time.Now()
	for range 10 {
		if a := fail(); a.Header.Get("Retry-After") != "5" && time.Since(opened) < 900*time.Millisecond {
			t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
		}
	}
	host.mustChat("well", "c", "x")
	if p := host.plugins()["llm-echo"]; p.OpenCircuits != 1 {
		t.Errorf("%+v", p)
	}
	time.Sleep(time.Until(opened.Add(5100 * time.Millisecond)))
	if a := fail(); a.Header.Get("Retry-After") != "" { // the circuit lets one call through, which is the sixth failure
		t.Errorf("the probe did not reach the provider: %s", a.Body)
	}
	if a := fail(); a.Header.Get("Retry-After") != "10" {
		t.Errorf("Retry-After %q after a probe that failed", a.Header.Get("Retry-After"))
	}
	host.eventually(12*time.Second, "the circuit closes", func() bool { return host.chat("ill", "c", "x").Status == 200 })
	if p := host.plugins()["llm-echo"]; p.OpenCircuits != 0 {
		t.Errorf("%+v", p)
	}
	if log := host.log.String(); strings.Count(log, "circuit opened") != 1 || strings.Count(log, "circuit closed") != 1 {
		t.Error("not one opening and one closing in the log")
	}
}

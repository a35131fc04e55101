package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLimits_turnsPerMinute(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"other.hcl": ""})
	host.put("paced", `{"limits":{"turns_per_minute":3}}`)
	for range 3 {
		host.mustChat("paced", "c", "x")
	}
	refused := func() {
		t.Helper()
		a := host.chat("paced", "c", "x")
		after, err := strconv.Atoi(a.Header.Get("Retry-After"))
		if a.Status != 429 || a.Class != "rate_limited" || err != nil || after < 15 || after > 20 {
			t.Errorf("%d %s, Retry-After %q; want 20 seconds at most", a.Status, a.Body, a.Header.Get("Retry-After"))
		}
	}
	refused()
	host.put("paced", `{"limits":{"turns_per_minute":3},"prompts":{"system":"Another revision."}}`)
	refused()
	for range 10 {
		host.mustChat("other", "c", "x")
	}
	for limits, want := range map[string]int{`{"turns_per_minute":0}`: 200, `{"turn_timeout":601}`: 422, `{"token_timeout":0}`: 422, `{"waiting_turns":257}`: 422} {
		if a := host.do("PUT", "/admin/v1/tenants/paced", `{"limits":`+limits+`}`); a.Status != want {
			t.Errorf("%s: %d %s", limits, a.Status, a.Body)
		}
	}
}

func TestLimits_silentProviders(t *testing.T) {
	host := start(t, `
limits {
  first_token_timeout = 0.6
  token_timeout       = 0.3
}
`+echoDefaults, map[string]string{
		"first.hcl":  "llm {\n  hang_after_tokens = 0\n}\n",
		"middle.hcl": "llm {\n  hang_after_tokens = 3\n}\n",
		"slow.hcl":   "llm {\n  first_token_delay_ms = 400\n  token_delay_ms = 100\n  tokens = 10\n}\n",
	})
	host.mustChat("slow", "c", "x")
	for tenant, c := range map[string]struct {
		tokens int64
		least  time.Duration
	}{"first": {0, 600 * time.Millisecond}, "middle": {3, 300 * time.Millisecond}} {
		begin := time.Now()
		a := host.chat(tenant, "c", "x")
		var p struct{ Party string }
		_ = json.Unmarshal(a.Body, &p)
		if took := time.Since(begin); a.Status != 504 || a.Class != "deadline" || p.Party != "provider" || !a.Retryable || took < c.least || took > c.least+30*time.Second {
			t.Errorf("%s: %d %s after %s", tenant, a.Status, a.Body, took)
		}
		turns := host.turns(tenant, "c")
		if len(turns) != 1 || turns[0].State != "failed" || !strings.HasPrefix(turns[0].Reason, "deadline: the provider") || turns[0].Usage.Output != c.tokens {
			t.Errorf("%s: %+v", tenant, turns)
		}
	}
	host.eventually(5*time.Second, "no call is left", func() bool { return host.plugins()["llm-echo"].Calls == 0 })
}

func TestLimits_replyTokens(t *testing.T) {
	host := start(t, "limits {\n  reply_tokens = 7\n}\n"+echoDefaults, map[string]string{"long.hcl": "llm {\n  tokens = 100\n}\n", "less.hcl": "llm {\n  tokens = 100\n}\nlimits {\n  reply_tokens = 2\n}\n"})
	for tenant, want := range map[string]string{"long": "zero one two three four five six ", "less": "zero one "} {
		if a := host.mustChat(tenant, "c", "x"); a.Reply != want || host.turns(tenant, "c")[0].Record.FinishReason != "length" {
			t.Errorf("%s: %q, %+v", tenant, a.Reply, host.turns(tenant, "c"))
		}
	}
	if a := host.do("PUT", "/admin/v1/tenants/more", `{"limits":{"reply_tokens":0}}`); a.Status != 422 {
		t.Errorf("a tenant lifts the limit: %d %s", a.Status, a.Body)
	}
}

func TestLimits_concurrentTurns(t *testing.T) {
	host := start(t, "defaults {\n  llm {\n    provider = \"echo\"\n    first_token_delay_ms = 1000\n  }\n}\n",
		map[string]string{"small.hcl": "limits {\n  concurrent_turns = 2\n}\n", "other.hcl": ""})
	var wg sync.WaitGroup
	var mu sync.Mutex
	status := map[int]int{}
	for i := range 6 {
		wg.Go(func() {
			a := host.chat("small", fmt.Sprint("c", i), "x")
			mu.Lock()
			defer mu.Unlock()
			status[a.Status]++
			if a.Status == 429 && a.Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		})
	}
	host.mustChat("other", "c", "not disturbed")
	wg.Wait()
	if status[200] != 2 || status[429] != 4 {
		t.Errorf("statuses %v", status)
	}
}

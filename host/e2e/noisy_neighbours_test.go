package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// pace runs turns of four quiet tenants for the given time, with eight clients that pause between turns.
// It returns the p99 of their durations and the number of turns.
func (host *hostProcess) pace(tag string, within time.Duration) (p99 time.Duration, turns int) {
	host.t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	end := time.Now().Add(within)
	for c := range 8 {
		wg.Go(func() {
			tenant := fmt.Sprint("quiet", c%4)
			for n := 0; time.Now().Before(end); n++ {
				begin := time.Now()
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				a, err := host.try(ctx, "POST", "/api/v1/chat", chatBody(fmt.Sprint(tag, c, "-", n/10), "hello"), "X-Tenant-ID: "+tenant)
				cancel()
				mu.Lock()
				took = append(took, time.Since(begin))
				mu.Unlock()
				if err != nil || a.Status != 200 {
					host.t.Errorf("%s: %v %d %s", tenant, err, a.Status, a.Body)
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took[len(took)*99/100], len(took)
}

// noise starts 500 clients of the tenant "flood" and 200 clients of the tenant "dead", whose provider
// hangs. It returns when the plugin has the given numbers of running and waiting calls. A refused client
// comes again after Retry-After and a random time. Without the random time, calls of equal length would
// start and end together, and no slot would become free in between. The returned function stops the
// clients and returns how often each tenant got each status.
func (host *hostProcess) noise(calls, waiting int) (end func() map[string]int) {
	host.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	crowd := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}
	other := *host
	other.http = crowd
	var wg sync.WaitGroup
	var mu sync.Mutex
	status := map[string]int{}
	client := func(tenant string, c int) {
		time.Sleep(time.Duration(min(c, 25)) * 20 * time.Millisecond)
		for n := 0; ctx.Err() == nil; n++ {
			a, err := other.try(ctx, "POST", "/api/v1/chat", chatBody(fmt.Sprint("c", c, "-", n), "x"), "X-Tenant-ID: "+tenant)
			if err != nil {
				return // ctx is done, so the noise is over
			}
			mu.Lock()
			status[fmt.Sprint(tenant, " ", a.Status)]++
			mu.Unlock()
			if a.Status != 200 {
				wait, _ := strconv.Atoi(a.Header.Get("Retry-After"))
				select {
				case <-time.After(time.Duration(wait)*time.Second + rand.N(time.Second)):
				case <-ctx.Done():
				}
			}
		}
	}
	for c := range 500 {
		wg.Go(func() { client("flood", c) })
	}
	for c := range 200 {
		wg.Go(func() { client("dead", c) })
	}
	host.eventually(20*time.Second, "the flood is on, and calls wait", func() bool {
		p := host.plugins()["llm-echo"]
		return p.Calls >= calls && p.Waiting >= waiting
	})
	return func() map[string]int {
		stop()
		wg.Wait()
		crowd.CloseIdleConnections()
		host.eventually(20*time.Second, "the flood is over", func() bool { return host.plugins()["llm-echo"].Calls == 0 })
		return status
	}
}

// TestNoisyNeighbours checks that the p99 of a tenant's turns beside noisy tenants is at most twice the
// p99 without them, or at most 2 seconds more. One good round of three is enough, because the machine may
// be slow and the noise needs processor time too. If turns waited behind the hanging calls of other
// tenants, they would take many seconds in every round. The tests of package plugins check the order of
// the queue.
func TestNoisyNeighbours(t *testing.T) {
	const (
		long    = "llm {\n  provider       = \"echo\"\n  tokens         = 50\n  token_delay_ms = 10\n}\n"
		allLong = "defaults {\n" + long + "}\n"
		// Each noisy tenant may run more turns than the plugin has slots.
		few = "limits {\n  concurrent_turns = 256\n}\nplugin \"llm\" \"echo\" {\n  max_calls = 96\n}\n"
	)
	for name, c := range map[string]struct {
		host, flood    string
		calls, waiting int
	}{
		"few slots, one instance each": {few + echoDefaults, long, 97, 97},
		"few slots, the same instance": {few + allLong, "", 97, 97},
		"as a host is by default":      {allLong, "", 128, 0},
	} {
		t.Run(name, func(t *testing.T) {
			host := start(t, c.host, map[string]string{
				"quiet0.hcl": "", "quiet1.hcl": "", "quiet2.hcl": "", "quiet3.hcl": "",
				"flood.hcl": c.flood, "dead.hcl": "llm {\n  hang_after_tokens = 0\n}\n",
			})
			host.compare(c.calls, c.waiting)
		})
	}
}

// compare fails the test if the quiet tenants' turns are too slow beside noise in each of three rounds.
func (host *hostProcess) compare(calls, waiting int) {
	t := host.t
	t.Helper()
	host.pace("warm", 2*time.Second)
	for round := range 3 {
		quiet, n := host.pace(fmt.Sprint("quiet", round), 5*time.Second)
		end := host.noise(calls, waiting)
		noisy, m := host.pace(fmt.Sprint("noisy", round), 8*time.Second)
		status := end()
		t.Logf("p99 %s of %d quiet turns, %s of %d noisy ones; %v", quiet, n, noisy, m, status)
		if status["flood 200"] < 100 || status["flood 429"] < 100 {
			t.Error("the flood was none")
		}
		if t.Failed() || noisy <= max(2*quiet, quiet+2*time.Second) {
			return
		}
	}
	t.Error("p99 is too high in each round")
}

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

// turn is a stored turn as the API returns it.
type turn struct {
	State, Reason string
	Usage         struct {
		Output int64 `json:"output_tokens"`
	}
	Record struct {
		FinishReason string `json:"finish_reason"`
	}
}

func (host *hostProcess) turns(tenant, conversation string) []turn {
	host.t.Helper()
	var out struct{ Turns []turn }
	if a := host.do("GET", "/api/v1/conversations/"+conversation+"/turns", "", "X-Tenant-ID: "+tenant); a.Status != 200 || json.Unmarshal(a.Body, &out) != nil {
		host.t.Fatalf("%d %s", a.Status, a.Body)
	}
	return out.Turns
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

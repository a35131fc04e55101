package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
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

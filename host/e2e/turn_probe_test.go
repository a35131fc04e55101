package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// recovery is how soon each host must serve turns after its database is back. A few seconds are expected,
// and the bound is longer for a busy machine.
const recovery = 45 * time.Second

// probe sends turns to each of several hosts again and again, without the balancer.
type probe struct {
	mu    sync.Mutex
	seen  map[*hostProcess][]time.Time // times of successful responses
	end   chan struct{}
	group sync.WaitGroup
}

func startProbe(hosts []*hostProcess, tenant string) *probe {
	p := &probe{seen: map[*hostProcess][]time.Time{}, end: make(chan struct{})}
	for i, host := range hosts {
		p.group.Go(func() {
			for {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				a, err := host.try(ctx, "POST", "/api/v1/chat", chatBody(fmt.Sprint("probe", i), "still there?"), "X-Tenant-ID: "+tenant)
				cancel()
				if err == nil && a.Status == 200 {
					p.mu.Lock()
					p.seen[host] = append(p.seen[host], time.Now())
					p.mu.Unlock()
				}
				select {
				case <-p.end:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	return p
}

// first returns the time from after to the next successful response of the host. It returns 0 if there is
// none.
func (p *probe) first(host *hostProcess, after time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.seen[host] {
		if t.After(after) {
			return t.Sub(after)
		}
	}
	return 0
}

// soon waits until each host has served a turn after back, the time at which the database came back. It
// then stops the probe. The test fails if a host took longer than recovery.
func (p *probe) soon(t *testing.T, back time.Time, hosts []*hostProcess) {
	t.Helper()
	var took []time.Duration
	for i, host := range hosts {
		first := p.first(host, back)
		for first == 0 && time.Since(back) < time.Minute {
			time.Sleep(20 * time.Millisecond)
			first = p.first(host, back)
		}
		if first == 0 || first > recovery {
			t.Errorf("host %d served %s after the database was back", i, first)
		}
		took = append(took, first.Round(time.Millisecond))
	}
	p.stop()
	t.Logf("the hosts served after %v", took)
}

func (p *probe) stop() {
	select {
	case <-p.end:
	default:
		close(p.end)
	}
	p.group.Wait()
}

package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// recovery is how soon each host answers turns when its database is back: seconds, and more
// on a machine that has other work.
const recovery = 45 * time.Second

// probe asks each of some hosts by itself, again and again.
type probe struct {
	mu    sync.Mutex
	seen  map[*hostProcess][]time.Time // answers
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

// first is how long after a time the host had its first answer; 0 if it has none.
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

// soon ends the probe once each of the hosts has answered after a time, at which the
// database was back. That must have been soon.
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

package plugins

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// probe asks the process again and again whether it is well, and kills it when it
// does not answer twice in a row: a hung plugin is one that crashed. It returns
// when the process has ended.
func (p *process) probe() {
	next := time.NewTimer(p.timing.probeEvery)
	defer next.Stop()
	misses := 0
	var since time.Time // of the first miss
	for {
		select {
		case <-p.exited:
			return
		case <-next.C:
		case <-p.suspect:
		}
		p.keepFolder()
		sweepNow(p.timing.probeEvery)
		asked := time.Now()
		if p.answers() {
			misses = 0
			next.Reset(p.timing.probeEvery)
			continue
		}
		if misses++; misses == 1 {
			since = asked
		} else {
			p.mu.Lock()
			p.hung = since
			p.mu.Unlock()
			p.kill("it did not answer health probes")
			return
		}
		next.Reset(p.timing.probeAgain)
	}
}

// awaitHealth returns when the process answers a probe; an error says that it did not
// within the time, or ended.
func (p *process) awaitHealth(ctx context.Context, within time.Duration) error {
	end := time.NewTimer(within)
	defer end.Stop()
	for !p.answers() || p.HasExited() {
		again := time.NewTimer(p.timing.probeAgain)
		select {
		case <-p.exited:
			again.Stop()
			return fmt.Errorf("it ended once it had been configured (%s)", p.lastWords())
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-end.C:
			again.Stop()
			return fmt.Errorf("it did not answer health probes with success for %s", within)
		case <-again.C:
		}
	}
	return nil
}

// doubt asks for a probe at once.
func (p *process) doubt() {
	select {
	case p.suspect <- struct{}{}:
	default: // asked for already
	}
}

// answers makes one probe. An error that the plugin itself gave, such as that it
// does not serve the health service, is an answer.
func (p *process) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), p.timing.probeDeadline)
	defer cancel()
	resp, err := grpc_health_v1.NewHealthClient(p.conn).Check(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	switch status.Code(err) {
	case codes.OK:
		return resp.Status != grpc_health_v1.HealthCheckResponse_NOT_SERVING
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return false
	default:
		return true
	}
}

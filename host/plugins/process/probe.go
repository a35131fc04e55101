package process

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// Probe asks the process again and again whether it is well. It kills a process that
// gives no answer to two probes in a row: a hung plugin is treated as one that crashed.
// It returns when the process has ended. It is called once.
func (p *Process) Probe() {
	next := time.NewTimer(p.timing.ProbeEvery)
	defer next.Stop()
	misses := 0
	var firstMiss time.Time
	for {
		select {
		case <-p.exited:
			return
		case <-next.C:
		case <-p.suspected:
		}
		p.restoreDir()
		sweepOrphansEvery(p.timing.ProbeEvery)
		asked := time.Now()
		if p.answersProbe() {
			misses = 0
			next.Reset(p.timing.ProbeEvery)
			continue
		}
		if misses++; misses == 1 {
			firstMiss = asked
		} else {
			p.mu.Lock()
			p.hungSince = firstMiss
			p.mu.Unlock()
			p.kill("it did not answer health probes")
			return
		}
		next.Reset(p.timing.ProbeAgain)
	}
}

// RequestProbe asks for a probe at once. It does not wait for it.
func (p *Process) RequestProbe() {
	select {
	case p.suspected <- struct{}{}:
	default: // one was asked for already
	}
}

// HungSince returns when the process did not answer for the first time, if it was killed
// for that. Else it is zero.
func (p *Process) HungSince() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hungSince
}

// AwaitHealth returns nil once the process answers a probe. It returns an error if the
// process ends, if it does not answer within the time, or if ctx ends.
func (p *Process) AwaitHealth(ctx context.Context, within time.Duration) error {
	end := time.NewTimer(within)
	defer end.Stop()
	for !p.answersProbe() || p.HasExited() {
		again := time.NewTimer(p.timing.ProbeAgain)
		select {
		case <-p.exited:
			again.Stop()
			return fmt.Errorf("it ended once it had been configured (%s)", p.ExitReport())
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

// answersProbe makes one probe. An error that the plugin itself gave counts as an answer,
// such as that it does not serve the health service.
func (p *Process) answersProbe() bool {
	ctx, cancel := context.WithTimeout(context.Background(), p.timing.ProbeDeadline)
	defer cancel()
	resp, err := grpc_health_v1.NewHealthClient(p.Conn).Check(ctx,
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

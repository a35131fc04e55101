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

// Probe sends health probes to the process at intervals of Timing.ProbeEvery. It kills a
// process that fails two probes in a row, so that a hung plugin is treated like a crashed
// plugin. Probe returns when the process has ended. It must be called only once.
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

// RequestProbe makes Probe send a health probe now. It does not wait for the probe.
func (p *Process) RequestProbe() {
	select {
	case p.suspected <- struct{}{}:
	default: // a request is pending already
	}
}

// HungSince returns the start of the first probe that failed, if the process was killed
// because it failed probes. Otherwise it returns the zero time.
func (p *Process) HungSince() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hungSince
}

// AwaitHealth returns nil as soon as the process answers a health probe. It returns an
// error if the process ends, if it answers no probe within the given duration, or if ctx
// ends.
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

// answersProbe sends a health probe and reports whether the process is healthy. An error
// that the plugin itself returned counts as healthy, for example that the plugin does not
// serve the health service.
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
